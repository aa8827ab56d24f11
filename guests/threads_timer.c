/* Tests: timers that start a thread when they expire, and one that signals a given thread.
 * Expected: prints 1 1 0, status 0. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile int expired, signalled, wrong;
static volatile pid_t target;

static void notify(union sigval value)
{
    if (value.sival_int != 17 || gettid() == getpid())
        wrong++;
    __atomic_fetch_add(&expired, 1, __ATOMIC_SEQ_CST);
}

static void handle(int number)
{
    if (gettid() != target)
        wrong++;
    signalled++;
    (void)number;
}

static void *work(void *argument)
{
    target = gettid();
    while (signalled < 20)
        ;
    return argument;
}

static void start(struct sigevent *event, timer_t *timer)
{
    struct itimerspec period = {{0, 1000000}, {0, 1000000}};
    timer_create(CLOCK_MONOTONIC, event, timer);
    timer_settime(*timer, 0, &period, 0);
}

int main(void)
{
    timer_t timers[2];
    pthread_t thread;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify};
    event.sigev_value.sival_int = 17;
    signal(SIGUSR1, handle);
    pthread_create(&thread, 0, work, 0);
    while (!target)
        usleep(100);
    start(&event, timers);
    struct sigevent to_thread = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    to_thread.sigev_notify_thread_id = target;
    start(&to_thread, timers + 1);
    pthread_join(thread, 0);
    timer_delete(timers[1]);
    while (expired < 20)
        usleep(1000);
    timer_delete(timers[0]);
    printf("%d %d %d\n", expired >= 20, signalled >= 20, wrong);
    return 0;
}
