/* Tests: a signal sent to one thread is handled on that thread, also while it computes without any
 * call; masks and alternate stacks are a thread's own; a signal to the process goes to a thread that
 * does not block it; sigwait.
 * Expected: prints counts, status 0. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS 50

static pthread_t threads[THREADS];
static volatile sig_atomic_t handled[THREADS], wrong, on_stack, stop, ready;
static __thread long own;
static __thread char *own_stack;

static void handle(int number)
{
    char here;
    if (!pthread_equal(pthread_self(), threads[own]))
        wrong++;
    if (&here - own_stack >= 0 && &here - own_stack < 65536)
        on_stack = on_stack + (handled[own] == 0);
    handled[own]++;
    (void)number;
}

static void *spin(void *argument)
{
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    own = (long)argument;
    own_stack = stack.ss_sp;
    sigaltstack(&stack, 0);
    __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
    while (!stop)
        ;
    return 0;
}

static void *wait_for_signal(void *argument)
{
    int number = 0;
    sigwait(argument, &number);
    return (void *)(long)number;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK | SA_RESTART};
    sigset_t set;
    void *result;
    sigaction(SIGUSR1, &action, 0);
    for (long i = 0; i < THREADS; i++)
        pthread_create(threads + i, 0, spin, (void *)i);
    while (ready < THREADS)
        usleep(100);
    for (int round = 1; round <= ROUNDS; round++)
        for (int i = 0; i < THREADS; i++) {
            pthread_kill(threads[i], SIGUSR1);
            while (handled[i] < round)
                usleep(10);
        }
    stop = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, 0);
    pthread_create(threads, 0, wait_for_signal, &set);
    kill(getpid(), SIGUSR2);
    pthread_join(threads[0], &result);
    printf("%d %d %d %d %d %d %d\n", handled[0], handled[1], handled[2], handled[3], wrong, on_stack,
           (long)result == SIGUSR2);
    return 0;
}
