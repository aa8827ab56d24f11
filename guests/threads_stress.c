/* Tests: 64 threads that run different code at the same time, in rounds: each round every thread calls
 * its own part of 512 functions, by direct and indirect calls, so that all translate, link and evict
 * while others run. A second argument has signals sent to all of them the while.
 * Expected: prints one sum, and then whether every thread handled a signal; status 0. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 64

#define ONE(n)                                                                                     \
    static __attribute__((noinline)) unsigned long f##n(unsigned long x)                          \
    {                                                                                              \
        for (int i = 0; i < 3; i++)                                                                \
            x = (x ^ (x >> 7)) * (2 * 0x##n##ul + 3) + (x % 3 ? 0x##n : i);                          \
        return x;                                                                                  \
    }
#define EIGHT(n) ONE(n##0) ONE(n##1) ONE(n##2) ONE(n##3) ONE(n##4) ONE(n##5) ONE(n##6) ONE(n##7)
#define MANY(n)                                                                                    \
    EIGHT(n##0) EIGHT(n##1) EIGHT(n##2) EIGHT(n##3) EIGHT(n##4) EIGHT(n##5) EIGHT(n##6) EIGHT(n##7)
MANY(1) MANY(2) MANY(3) MANY(4) MANY(5) MANY(6) MANY(7) MANY(8)

#define NAME8(n) f##n##0, f##n##1, f##n##2, f##n##3, f##n##4, f##n##5, f##n##6, f##n##7,
#define NAMES(n)                                                                                   \
    NAME8(n##0) NAME8(n##1) NAME8(n##2) NAME8(n##3) NAME8(n##4) NAME8(n##5) NAME8(n##6) NAME8(n##7)
static unsigned long (*const functions[])(unsigned long) = {
    NAMES(1) NAMES(2) NAMES(3) NAMES(4) NAMES(5) NAMES(6) NAMES(7) NAMES(8)};

static pthread_barrier_t barrier;
static unsigned long results[THREADS];
static int rounds = 4;
static volatile int ended;
static int with_signals;
static volatile int handled[THREADS];
static __thread long own;

static void handler(int number)
{
    (void)number;
    handled[own]++;
}

static void *work(void *argument)
{
    long self = (long)argument;
    unsigned long x = (unsigned long)self + 1;
    own = self;
    for (int round = 0; round < rounds; round++) {
        pthread_barrier_wait(&barrier);
        for (int i = 0; i < 64; i++)
            x = functions[(self * 8 + i * (round + 1)) % 512](x);
        x = f100(f877(f344(x)));
    }
    results[self] = x;
    while (with_signals && handled[self] == 0)
        usleep(100);
    __atomic_fetch_add(&ended, 1, __ATOMIC_RELEASE);
    return 0;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    unsigned long sum = 0;
    int reached = 0;
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, 0);
    if (argc > 1)
        rounds = atoi(argv[1]);
    with_signals = argc > 2;
    pthread_barrier_init(&barrier, 0, THREADS);
    for (long i = 0; i < THREADS; i++)
        pthread_create(threads + i, 0, work, (void *)i);
    for (int i = 0; with_signals && ended < THREADS; i++) {
        pthread_kill(threads[i % THREADS], SIGUSR1);
        if (i % 8 == 0)
            usleep(50);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], 0);
    for (int i = 0; i < THREADS; i++)
        sum = sum * 31 + results[i];
    for (int i = 0; i < THREADS; i++)
        reached += handled[i] > 0;
    printf(with_signals ? "%lu %d\n" : "%lu\n", sum, reached);
    return 0;
}
