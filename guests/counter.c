/* Tests: rdtsc and rdtscp count up, change rax, rdx and (rdtscp) rcx only, and name the processor; taken away
 * (PR_SET_TSC), each is a fault at its own address. Expected: status 0, prints "ok" behind what faulted. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <ucontext.h>

static const char *volatile expected_pc;
extern const char at_rdtsc[], at_rdtscp[];

static void counted(int number, siginfo_t *info, void *frame)
{
    greg_t *registers = ((ucontext_t *)frame)->uc_mcontext.gregs;
    printf("signal %d code %d address %p trap %d error %d %s rax %llx rcx %llx rdx %llx\n", number, info->si_code,
           info->si_addr, (int)registers[REG_TRAPNO], (int)registers[REG_ERR],
           (const char *)registers[REG_RIP] == expected_pc ? "in place" : "elsewhere", registers[REG_RAX],
           registers[REG_RCX], registers[REG_RDX]);
    registers[REG_RIP] += expected_pc == at_rdtsc ? 2 : 3;
}

struct values {
    unsigned long a, b, c, d, flags;
};

/* All registers that are not changed keep their upper halves, and the flags are what they were. */
#define READ(instruction, values)                                                                            \
    __asm__ volatile("stc\n std\n " instruction "\n pushfq\n popq %4\n cld"                                  \
                     : "+a"((values).a), "+b"((values).b), "+c"((values).c), "+d"((values).d),               \
                       "=S"((values).flags))

#define UPPER 0x1234567800000000ul

int main(void)
{
    unsigned long last = 0;
    unsigned processor;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0 || getcpu(&processor, 0) != 0)
        return 1;
    for (int i = 0; i < 200; i++) {
        struct values one = {UPPER, UPPER, UPPER | 5, UPPER, 0}, two = one;
        READ("rdtsc", one);
        READ("rdtscp", two);
        if (one.a >> 32 || one.d >> 32 || two.a >> 32 || two.c >> 32 || two.d >> 32)
            return 2;
        if (one.b != UPPER || one.c != (UPPER | 5) || two.b != UPPER)
            return 3;
        if ((one.flags & 0x401) != 0x401 || (two.flags & 0x401) != 0x401)
            return 4;
        unsigned long before = one.d << 32 | one.a, after = two.d << 32 | two.a;
        if (before <= last || after <= before)
            return 5;
        last = after;
        if ((two.c & 0xfff) != processor) /* as Linux sets it: the node above the processor */
            return 6;
    }
    struct sigaction action = {.sa_sigaction = counted, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, 0);
    if (prctl(PR_SET_TSC, PR_TSC_SIGSEGV) != 0)
        return 7;
    expected_pc = at_rdtsc;
    __asm__ volatile("at_rdtsc: rdtsc" : : "a"(1), "c"(2), "d"(3));
    expected_pc = at_rdtscp;
    __asm__ volatile("at_rdtscp: rdtscp" : : "a"(4), "c"(5), "d"(6));
    prctl(PR_SET_TSC, PR_TSC_ENABLE);
    __asm__ volatile("rdtsc" : : : "rax", "rdx");
    puts("ok");
    return 0;
}
