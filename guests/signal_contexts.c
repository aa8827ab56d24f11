/* Tests: ways out of a handler: setcontext and swapcontext to other stacks, siglongjmp out of nested ones,
 * throwing the frame away, a handler that never returns; handlers nested a hundred deep; a handler that
 * edits its own frame twice. An argument takes the place of the rounds of a coroutine; the timer then
 * counts the processor's time, for whoever slows the program down. Expected: status 7, prints a trace. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

static ucontext_t main_context, coroutine[4];
static char stacks[4][65536];
static volatile int turns[4], switches, current = -1;
static int rounds = 200, clock_used = ITIMER_REAL, alarm_signal = SIGALRM;
static sigset_t alarm_only;

/* A scheduler that takes the processor away by a timer, as green threads do. */
static void preempt(int number)
{
    (void)number;
    int from = current;
    switches++;
    current = (from + 1) % 4;
    swapcontext(&coroutine[from], &coroutine[current]);
}

static void work(int which)
{
    volatile double sum = which;
    sigprocmask(SIG_UNBLOCK, &alarm_only, 0);
    for (;;) {
        for (int i = 1; i < 1000; i++)
            sum = sum * 1.0000001 + 1.0 / i;
        turns[which]++;
        int done = 0;
        for (int i = 0; i < 4; i++)
            done += turns[i] > rounds;
        if (done == 4 && switches > rounds / 5) {
            struct itimerval none = {{0, 0}, {0, 0}};
            setitimer((enum __itimer_which)clock_used, &none, 0);
            setcontext(&main_context);
        }
    }
}

static void coroutines(void)
{
    struct sigaction action = {.sa_handler = preempt, .sa_flags = SA_RESTART};
    struct itimerval timer = {{0, 1000}, {0, 1000}};
    volatile int came_back = 0;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, alarm_signal);
    sigprocmask(SIG_BLOCK, &alarm_only, 0); /* a switch is never interrupted by the next one */
    sigaction(alarm_signal, &action, 0);
    for (int i = 0; i < 4; i++) {
        getcontext(&coroutine[i]);
        coroutine[i].uc_stack.ss_sp = stacks[i];
        coroutine[i].uc_stack.ss_size = sizeof stacks[i];
        makecontext(&coroutine[i], (void (*)(void))work, 1, i);
    }
    getcontext(&main_context);
    if (came_back++ == 0) {
        current = 0;
        setitimer((enum __itimer_which)clock_used, &timer, 0);
        setcontext(&coroutine[0]);
    }
    sigset_t mask;
    sigprocmask(SIG_BLOCK, 0, &mask);
    printf("coroutines %d %d\n", switches > rounds / 5, came_back);
    signal(alarm_signal, SIG_IGN);
    sigemptyset(&mask);
    sigprocmask(SIG_SETMASK, &mask, 0);
}

static sigjmp_buf back;
static volatile int depth, deepest;
static void nest(int number)
{
    sigset_t mask;
    sigprocmask(SIG_BLOCK, 0, &mask);
    depth++;
    if (depth == deepest)
        siglongjmp(back, depth);
    raise(number == SIGUSR1 ? SIGUSR2 : SIGUSR1);
}

static volatile unsigned long faults;
static void fault(int number, siginfo_t *info, void *context)
{
    ucontext_t *user = context;
    (void)number;
    (void)info;
    if (faults++ % 3 == 1)
        return; /* the fault comes again */
    user->uc_mcontext.gregs[REG_RCX] = (greg_t)&faults;
}

static void twice(int number, siginfo_t *info, void *context)
{
    ucontext_t *user = context, *saved = malloc(sizeof *saved);
    (void)number;
    (void)info;
    memcpy(saved, user, sizeof *saved); /* a frame's copy elsewhere is not what is loaded */
    saved->uc_mcontext.gregs[REG_RIP] = 0;
    free(saved);
}

static void forever(int number)
{
    (void)number;
    printf("on in the handler\n");
    struct sigaction action = {.sa_sigaction = twice, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, 0);
    for (int i = 0; i < 1000; i++)
        raise(SIGUSR1);
    printf("still there\n");
    exit(7);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        rounds = atoi(argv[1]);
        clock_used = ITIMER_VIRTUAL;
        alarm_signal = SIGVTALRM;
    }
    setvbuf(stdout, 0, _IOLBF, 0);
    coroutines();
    struct sigaction action = {.sa_handler = nest, .sa_flags = SA_NODEFER};
    sigaction(SIGUSR1, &action, 0);
    sigaction(SIGUSR2, &action, 0);
    for (deepest = 1; deepest <= 100; deepest += 33) {
        depth = 0;
        int from = sigsetjmp(back, 1);
        if (from == 0)
            raise(SIGUSR1);
        printf("back from %d\n", from);
    }
    struct sigaction faulty = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &faulty, 0);
    unsigned long value = 0;
    for (int i = 0; i < 30; i++)
        __asm__ volatile("xor %%ecx, %%ecx\n mov (%%rcx), %0" : "=r"(value) : : "rcx", "memory");
    printf("%lu %lu\n", faults, value);
    signal(SIGTERM, forever);
    raise(SIGTERM);
    return 1;
}
