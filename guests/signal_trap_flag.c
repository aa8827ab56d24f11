/* Tests: the trap flag: set by popf and in a handler's frame; SIGTRAP after each instruction with the right pc,
 * through branches, calls, string instructions, system calls, faults, and instructions that are
 * emulated; it ends with popf or with the frame. Expected: status 0, prints every stop. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

extern char code_start[], code_end[];
static struct { long offset, rcx, rsp, flags; int code, same, trap; } stops[4096];
static volatile int count, limit, other;
static unsigned long base_rsp;

static void handler(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    long offset = registers[REG_RIP] - (greg_t)code_start;
    (void)number;
    if (offset >= 0 && offset < code_end - code_start && count < 4096) {
        stops[count].offset = offset;
        stops[count].rcx = registers[REG_RCX] < 0x10000 ? registers[REG_RCX] : -1;
        if (registers[REG_RCX] >= (greg_t)code_start && registers[REG_RCX] < (greg_t)code_end)
            stops[count].rcx = registers[REG_RCX] - (greg_t)code_start;
        stops[count].rsp = registers[REG_RSP] - (greg_t)base_rsp;
        stops[count].flags = registers[REG_EFL] & 0x10dd5;
        stops[count].code = info->si_code;
        stops[count].same = (greg_t)info->si_addr == registers[REG_RIP];
        stops[count++].trap = (int)registers[REG_TRAPNO] * 100 + (int)registers[REG_ERR];
    }
    if (limit && count >= limit)
        registers[REG_EFL] &= ~0x100;
}

static void fault(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)info;
    other = number;
    registers[REG_RCX] = (greg_t)&base_rsp;
}

static void start(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] |= 0x100;
}

__asm__(
    ".intel_syntax noprefix\n"
    "code_start:\n"
    "code:\n"
    " push rbx\n"
    " xor ecx, ecx\n"
    " mov [rip + base_rsp], rsp\n"
    " push 0x302\n"
    " popfq\n" /* on */
    " nop\n"
    " xor eax, eax\n"
    " mov ecx, 3\n"
    "1: dec ecx\n"
    " jnz 1b\n"
    " call 2f\n"
    " jmp 3f\n"
    " ud2\n"
    "2: inc eax\n"
    " ret\n"
    "3: lea rcx, [rip + 4f]\n"
    " jmp rcx\n"
    " ud2\n"
    "4: lea rcx, [rip + 2b]\n"
    " call rcx\n"
    " jmp 5f\n"
    " .byte 0x90\n"
    "5: mov ecx, 2\n"
    " loop .\n"
    " lea rdi, [rip + buffer]\n"
    " mov ecx, 4\n"
    " rep stosb\n"
    " xor ecx, ecx\n"
    " rep stosb\n"
    " mov rcx, [rip + buffer]\n"
       " mov eax, 39\n"
    " syscall\n"
    " nop\n"
    " nop\n"
    " mov eax, 500\n"
    " syscall\n"
    " xor eax, eax\n"
    " xor ecx, ecx\n"
    " cpuid\n"
    " xor ecx, ecx\n"
    " mov eax, [rcx]\n" /* faults, and runs again */
    " mov ecx, 5\n"
    " cmp ecx, 6\n"
    " pushfq\n"
    " pop rcx\n"
    " jb 6f\n"
    " nop\n"
    "6: push 0x302\n"
    " popfq\n"
    " nop\n"
    " push 0x202\n"
    " popfq\n" /* off */
    " nop\n"
    " nop\n"
    " pop rbx\n"
    " ret\n"
    "code_end:\n"
    ".att_syntax prefix\n");
extern void code(void);
char buffer[64];

static void show(const char *what)
{
    printf("%s: %d, other %d\n", what, count, other);
    for (int i = 0; i < count; i++)
        printf("+%lx rcx %lx rsp %ld flags %lx code %d %d trap %d\n", stops[i].offset, stops[i].rcx, stops[i].rsp,
               stops[i].flags, stops[i].code, stops[i].same, stops[i].trap);
    count = 0;
    other = 0;
    fflush(stdout);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    setvbuf(stdout, 0, _IOFBF, 1 << 16);
    sigaction(SIGTRAP, &action, 0);
    action.sa_sigaction = fault;
    sigaction(SIGSEGV, &action, 0);
    action.sa_sigaction = start;
    sigaction(SIGUSR1, &action, 0);
    for (int round = 0; round < 3; round++) {
        code();
        show("popf");
    }
    for (limit = 1; limit < 8; limit += 3) {
        code();
        show("limited");
    }
    limit = 0;
    count = 0;
    raise(SIGUSR1); /* traps from the end of that handler on, through the C library */
    __asm__ volatile("pushfq\n andq $~0x100, (%%rsp)\n popfq" : : : "cc", "memory");
    printf("by the frame %d\n", other);
    return 0;
}
