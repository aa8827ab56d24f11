/* Tests: synchronous faults reach handlers with exact siginfo and ucontext: signal number, code,
 * address, registers, rip at the faulting instruction; the handler moves rip on.
 * Expected: status 0, prints a line for each fault. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

static volatile unsigned long seen_rip_offset, seen_address, seen_rbx;
static volatile int seen_signal, seen_code;
extern char fault_read[], fault_divide[], fault_undefined[], fault_trap[], after[];
static char *volatile expected;

static void handler(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    seen_signal = number;
    seen_code = info->si_code;
    seen_address = number == SIGSEGV ? (unsigned long)info->si_addr : 0;
    seen_rip_offset = (unsigned long)registers[REG_RIP] - (unsigned long)expected;
    seen_rbx = (unsigned long)registers[REG_RBX];
    registers[REG_RIP] = (greg_t)after;
}

__attribute__((noinline)) static void cause(char *where)
{
    expected = where;
    __asm__ volatile("mov $0x1357, %%ebx\n xor %%ecx, %%ecx\n mov $1, %%eax\n cltd\n jmp *%0\n"
                     "fault_read: mov 0x10(%%rcx), %%eax\n"
                     "fault_divide: idivl %%ecx\n"
                     "fault_undefined: ud2\n"
                     "fault_trap: int3\n"
                     "after:" : : "r"(where) : "rax", "rbx", "rcx", "rdx", "memory", "cc");
    printf("%d %d %lx %ld %lx\n", seen_signal, seen_code, seen_address, seen_rip_offset, seen_rbx);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    static const int numbers[] = {SIGSEGV, SIGFPE, SIGILL, SIGTRAP};
    for (int i = 0; i < 4; i++)
        sigaction(numbers[i], &action, 0);
    for (int i = 0; i < 3; i++) {
        cause(fault_read);
        cause(fault_divide);
        cause(fault_undefined);
        cause(fault_trap);
    }
    return 0;
}
