/* Tests: cancellation of threads: deferred, in calls that block (read, nanosleep, a condition, join), at
 * a test; asynchronous, in a loop without calls; disabled and enabled again; cleanup handlers run in
 * order.
 * Expected: prints a line for each, status 0. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static sem_t ready;
static int pipes[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static volatile unsigned long spins;
static volatile int cleaned;
static pthread_t never;

static void clean(void *argument)
{
    cleaned = cleaned * 10 + (int)(long)argument;
}

static void clean_mutex(void *argument)
{
    clean(argument);
    pthread_mutex_unlock(&mutex);
}

static void *in_read(void *argument)
{
    char byte;
    sem_post(&ready);
    return read(pipes[0], &byte, 1) == 1 ? argument : 0;
}

static void *in_sleep(void *argument)
{
    struct timespec long_time = {1000, 0};
    sem_post(&ready);
    nanosleep(&long_time, 0);
    return argument;
}

static void *in_condition(void *argument)
{
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(clean_mutex, (void *)3);
    sem_post(&ready);
    for (;;) {
        pthread_cond_wait(&condition, &mutex);
    }
    pthread_cleanup_pop(0);
    return argument;
}

static void *in_join(void *argument)
{
    sem_post(&ready);
    pthread_join(never, 0);
    return argument;
}

static void *at_test(void *argument)
{
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    sem_post(&ready);
    usleep(20000);
    pthread_testcancel(); /* disabled: nothing */
    clean((void *)4);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    for (;;) {
        pthread_testcancel();
    }
    return argument;
}

static void *in_loop(void *argument)
{
    int old;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
    sem_post(&ready);
    for (;;) {
        spins++;
    }
    return argument;
}

static void *run(void *argument)
{
    void *(*function)(void *) = argument;
    void *result;
    pthread_cleanup_push(clean, (void *)1);
    pthread_cleanup_push(clean, (void *)2);
    result = function(0);
    pthread_cleanup_pop(1);
    pthread_cleanup_pop(1);
    return result;
}

static void *sleeper(void *argument)
{
    sleep(1000);
    return argument;
}

int main(void)
{
    static const struct {
        const char *name;
        void *(*function)(void *);
    } rows[] = {{"read", in_read},           {"sleep", in_sleep}, {"condition", in_condition},
                {"join", in_join},           {"test", at_test},   {"loop", in_loop}};
    sem_init(&ready, 0, 0);
    if (pipe(pipes) != 0 || pthread_create(&never, 0, sleeper, 0) != 0) {
        return 1;
    }
    for (unsigned at = 0; at < sizeof rows / sizeof rows[0]; at++) {
        int cancelled = 0, orders = 0;
        for (int round = 0; round < 20; round++) {
            pthread_t thread;
            void *result;
            cleaned = 0;
            pthread_create(&thread, 0, run, rows[at].function);
            sem_wait(&ready);
            if (round % 2) {
                usleep(2000);
            }
            pthread_cancel(thread);
            pthread_join(thread, &result);
            cancelled += result == PTHREAD_CANCELED;
            orders += cleaned;
        }
        printf("%s: %d %d\n", rows[at].name, cancelled, orders);
    }
    pthread_cancel(never);
    pthread_join(never, 0);
    return 0;
}
