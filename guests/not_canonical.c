/* Tests: a call, a jump and a return to addresses whose low 48 bits are those of a place that the same
 * instruction has gone to a thousand times; each bit from 48 on, and the upper half that is canonical.
 * Expected: status 0, prints the signal code, trap number and address of each kind, and a count. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile unsigned long code, trap, address, arrivals;

static void handler(int number, siginfo_t *info, void *data)
{
    (void)number;
    code = (unsigned long)info->si_code;
    trap = (unsigned long)((ucontext_t *)data)->uc_mcontext.gregs[REG_TRAPNO];
    address = (unsigned long)info->si_addr;
    siglongjmp(back, 1);
}

static void __attribute__((noinline)) target(void)
{
    arrivals++;
}

static void __attribute__((noinline)) by_call(unsigned long flip)
{
    __asm__ volatile("call *%0" : : "r"((unsigned long)target ^ flip) : "rax", "rcx", "rdx", "rsi",
                     "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
}

static void __attribute__((noinline)) by_jump(unsigned long flip)
{
    unsigned long there;
    __asm__ volatile("lea 1f(%%rip), %0\n xor %1, %0\n jmp *%0\n 1: incq %2"
                     : "=&r"(there)
                     : "r"(flip), "m"(arrivals)
                     : "memory", "cc");
}

static void __attribute__((noinline)) by_return(unsigned long flip)
{
    unsigned long there;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n lea 1f(%%rip), %0\n xor %1, %0\n push %0\n ret\n"
                     "1: incq %2\n lea 128(%%rsp), %%rsp"
                     : "=&r"(there)
                     : "r"(flip), "m"(arrivals)
                     : "memory", "cc");
}

static void check(const char *name, void (*go)(unsigned long))
{
    for (int i = 0; i < 1000; i++) {
        go(0);
    }
    for (unsigned bit = 47; bit < 64; bit++) {
        code = trap = address = 0;
        if (sigsetjmp(back, 1) == 0) {
            go(bit == 47 ? 0xffff800000000000UL : 1UL << bit);
        }
        if (bit == 47) {
            printf("%s: upper half %lu %lu %d\n", name, code, trap, address > 1UL << 63);
        } else if (bit == 48 || code != 128 || trap != 13 || address != 0) {
            printf("%s: bit %u %lu %lu %lx\n", name, bit, code, trap, address);
        }
    }
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, 0);
    check("call", by_call);
    check("jump", by_jump);
    check("return", by_return);
    printf("%lu\n", arrivals);
    return 0;
}
