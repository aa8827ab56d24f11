/* Tests: signals and threads: a process's signal goes to a thread that does not block it, sigwait in a
 * thread, pthread_kill and pthread_sigqueue to each, timers for one thread, handlers on each thread's own
 * alternate stack, signals pending when a thread ends go to another. Expected: status 0, prints counts. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
static __thread volatile int mine, wrong_stack, last_value;
static __thread char *stack_low;
static sem_t started, stop;
static pthread_t threads[THREADS];
static volatile int total, other_total;

static void handler(int number, siginfo_t *info, void *context)
{
    char *here = __builtin_frame_address(0);
    (void)number;
    (void)context;
    mine++;
    __atomic_fetch_add(&total, 1, __ATOMIC_RELAXED);
    wrong_stack += !stack_low || here < stack_low || here > stack_low + 65536;
    last_value = info->si_code == SI_QUEUE || info->si_code == SI_TIMER ? info->si_value.sival_int : -1;
}

static void *worker(void *argument)
{
    long which = (long)argument;
    stack_low = malloc(65536);
    stack_t stack = {.ss_sp = stack_low, .ss_size = 65536};
    sigaltstack(&stack, 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    if (which == 3)
        pthread_sigmask(SIG_UNBLOCK, &set, 0);
    sem_post(&started);
    while (sem_wait(&stop) != 0)
        ;
    static __thread char result[64];
    snprintf(result, sizeof result, "%d %d %d", mine, wrong_stack, last_value);
    return strdup(result);
}

static void *waiter(void *argument)
{
    sigset_t set;
    siginfo_t info;
    (void)argument;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    for (int i = 0; i < 100; i++)
        other_total += sigwaitinfo(&set, &info) == SIGTERM;
    return 0;
}

static void *leaver(void *argument)
{
    sigset_t set;
    sigfillset(&set);
    pthread_sigmask(SIG_SETMASK, &set, 0);
    sem_post(argument);
    usleep(1000);
    return 0;
}

static void *timed(void *argument)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 5};
    struct itimerspec when = {{0, 500000}, {0, 500000}};
    timer_t timer;
    (void)argument;
    event._sigev_un._tid = gettid();
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &when, 0);
    while (mine < 20)
        ;
    timer_delete(timer);
    return 0;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigset_t set, old;
    union sigval value;
    sem_init(&started, 0, 0);
    sem_init(&stop, 0, 0);
    sigaction(SIGUSR1, &action, 0);
    sigaction(SIGUSR2, &action, 0);
    sigaction(SIGRTMIN, &action, 0);
    sigaction(SIGTERM, &action, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], 0, worker, (void *)i);
    for (int i = 0; i < THREADS; i++)
        sem_wait(&started);
    for (int i = 0; i < 50; i++) {
        int before = total;
        kill(getpid(), SIGUSR2); /* only thread 3 can take it */
        while (total == before)
            ;
    }
    for (int i = 0; i < THREADS; i++) {
        value.sival_int = 1000 + i;
        for (int times = 0; times <= i; times++) {
            int before = total;
            pthread_sigqueue(threads[i], SIGUSR1, value);
            while (total == before)
                ;
        }
    }
    for (int i = 0; i < THREADS; i++)
        sem_post(&stop);
    for (int i = 0; i < THREADS; i++) {
        char *result;
        pthread_join(threads[i], (void **)&result);
        printf("%s\n", result);
    }
    pthread_t thread;
    pthread_create(&thread, 0, waiter, 0);
    for (int i = 0; i < 100; i++) {
        int before = other_total;
        if (i % 2)
            kill(getpid(), SIGTERM);
        else
            pthread_kill(thread, SIGTERM);
        while (other_total == before)
            sched_yield();
    }
    pthread_join(thread, 0);
    printf("waited %d\n", other_total);
    int before = total;
    pthread_create(&thread, 0, timed, 0);
    pthread_join(thread, 0);
    printf("timed %d here %d\n", total - before >= 20, mine);
    /* Sent while others come and go: each one arrives. */
    pthread_sigmask(SIG_SETMASK, &old, 0);
    before = total;
    for (int i = 0; i < 300; i++) {
        pthread_create(&thread, 0, leaver, &started);
        int now = total;
        kill(getpid(), SIGUSR1);
        sem_wait(&started);
        pthread_join(thread, 0);
        while (total == now)
            ;
    }
    printf("all %d\n", total - before);
    return 0;
}
