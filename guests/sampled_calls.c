/* Tests: using processor time between calls that a signal would disturb: sleeps, poll, waits for signals, timers
 * of its own. Prints the same whether or not somebody samples it. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 60

static volatile unsigned long sink;
static volatile sig_atomic_t ticks;

__attribute__((noinline)) void burn(unsigned long rounds)
{
    for (unsigned long at = 0; at < rounds; at++) {
        sink += at * at;
    }
}

static void tick(int number)
{
    (void)number;
    ticks++;
}

static void *waits(void *argument)
{
    int *interrupted = argument;
    for (int round = 0; round < ROUNDS; round++) {
        struct timespec pause = {0, 1000000};
        struct timespec rest = {0, 0};
        burn(300000);
        *interrupted += nanosleep(&pause, &rest) != 0;
        *interrupted += poll(NULL, 0, 1) != 0;
    }
    return NULL;
}

static void *takes_all(void *argument)
{
    int *taken = argument;
    sigset_t all;
    sigset_t pending;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        struct timespec limit = {0, 1000000};
        burn(300000);
        *taken += sigtimedwait(&all, NULL, &limit) > 0;
        sigpending(&pending);
        for (int number = 1; number < 32; number++) {
            *taken += sigismember(&pending, number);
        }
    }
    return NULL;
}

int main(void)
{
    pthread_t first;
    pthread_t second;
    int interrupted = 0;
    int taken = 0;
    pthread_create(&first, NULL, waits, &interrupted);
    pthread_create(&second, NULL, takes_all, &taken);
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    printf("interrupted %d, taken %d\n", interrupted, taken);

    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = tick;
    sigaction(SIGPROF, &action, NULL);
    struct itimerval interval = {{0, 10000}, {0, 10000}};
    setitimer(ITIMER_PROF, &interval, NULL);
    while (ticks < 10) {
        burn(10000);
    }
    memset(&interval, 0, sizeof interval);
    setitimer(ITIMER_PROF, &interval, NULL);
    printf("own timer: %s\n", ticks >= 10 ? "ticks" : "none");

    sigset_t none;
    sigemptyset(&none);
    signal(SIGILL, SIG_IGN);
    burn(20000000);
    signal(SIGILL, SIG_DFL);
    puts("burnt");
    return 0;
}
