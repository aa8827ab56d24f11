/* What one sensitive instruction costs, in ticks of the time-stamp counter, as its argument says:
 *   counter   rdtsc
 *   trap      rdtsc taken away by the kernel, and carried out by the handler of the signal
 * Prints ticks for each of COUNT executions. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <ucontext.h>

static unsigned long ticks(void)
{
    unsigned low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (unsigned long)high << 32 | low;
}

static void emulate(int number, siginfo_t *info, void *frame)
{
    static unsigned long virtual_ticks;
    greg_t *registers = ((ucontext_t *)frame)->uc_mcontext.gregs;
    (void)number;
    (void)info;
    virtual_ticks++;
    registers[REG_RAX] = (greg_t)(virtual_ticks & 0xffffffff);
    registers[REG_RDX] = (greg_t)(virtual_ticks >> 32);
    registers[REG_RIP] += 2; /* behind rdtsc */
}

int main(int argc, char **argv)
{
    int traps = argc > 1 && strcmp(argv[1], "trap") == 0;
    unsigned long count = argc > 2 ? strtoul(argv[2], 0, 10) : 100000;
    struct sigaction action = {.sa_sigaction = emulate, .sa_flags = SA_SIGINFO};
    unsigned long start, end;
    sigaction(SIGSEGV, &action, 0);
    start = ticks();
    if (traps && prctl(PR_SET_TSC, PR_TSC_SIGSEGV) != 0) {
        return 1;
    }
    for (unsigned long at = 0; at < count; at++) {
        __asm__ volatile("rdtsc" : : : "rax", "rdx");
    }
    if (traps) {
        prctl(PR_SET_TSC, PR_TSC_ENABLE);
    }
    end = ticks();
    printf("%.1f\n", (double)(end - start) / count);
    return 0;
}
