/* Tests: what threads wait on besides plain mutexes: barriers, priority-inheriting, recursive and
 * checking mutexes, spin and reader-writer locks, semaphores and conditions between processes, a
 * priority-inheriting robust mutex whose owner is killed, and waits that time out.
 * Expected: prints a line for each, status 0. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS 300

static pthread_barrier_t barrier;
static pthread_mutex_t inheriting, recursive;
static pthread_spinlock_t spin;
static pthread_rwlock_t readers = PTHREAD_RWLOCK_INITIALIZER;
static sem_t places;
static int cells[THREADS];
static long serials, torn, sums[5];

static void *work(void *argument)
{
    long number = (long)argument;
    for (int round = 0; round < ROUNDS; round++) {
        cells[number] = round;
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
            serials++;
        }
        for (int at = 0; at < THREADS; at++) {
            if (cells[at] != round) {
                __atomic_fetch_add(&torn, 1, __ATOMIC_RELAXED);
            }
        }
        pthread_barrier_wait(&barrier);
        pthread_mutex_lock(&inheriting);
        sums[0]++;
        pthread_mutex_unlock(&inheriting);
        pthread_mutex_lock(&recursive);
        pthread_mutex_lock(&recursive);
        sums[1]++;
        pthread_mutex_unlock(&recursive);
        pthread_mutex_unlock(&recursive);
        pthread_spin_lock(&spin);
        sums[2]++;
        pthread_spin_unlock(&spin);
        if (round % THREADS == number) {
            pthread_rwlock_wrlock(&readers);
            sums[3]++;
        } else {
            pthread_rwlock_rdlock(&readers);
        }
        pthread_rwlock_unlock(&readers);
        sem_wait(&places);
        __atomic_fetch_add(&sums[4], 1, __ATOMIC_RELAXED);
        sem_post(&places);
    }
    return 0;
}

typedef struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    sem_t semaphore;
    int turn;
} shared;

static void between_processes(int protocol)
{
    shared *both = mmap(0, sizeof *both, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attribute;
    pthread_condattr_t condition_attribute;
    pthread_mutexattr_init(&attribute);
    pthread_mutexattr_setpshared(&attribute, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attribute, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setprotocol(&attribute, protocol);
    pthread_mutex_init(&both->mutex, &attribute);
    pthread_condattr_init(&condition_attribute);
    pthread_condattr_setpshared(&condition_attribute, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&both->condition, &condition_attribute);
    sem_init(&both->semaphore, 1, 0);
    pid_t child = fork();
    for (int round = 0; round < 100; round++) {
        pthread_mutex_lock(&both->mutex);
        while (both->turn % 2 != (child == 0)) {
            pthread_cond_wait(&both->condition, &both->mutex);
        }
        both->turn++;
        pthread_cond_signal(&both->condition);
        pthread_mutex_unlock(&both->mutex);
    }
    if (child == 0) {
        pthread_mutex_lock(&both->mutex);
        sem_post(&both->semaphore);
        for (;;) {
            pause();
        }
    }
    while (sem_wait(&both->semaphore) != 0) {
    }
    kill(child, SIGKILL);
    int dead = pthread_mutex_lock(&both->mutex);
    int consistent = pthread_mutex_consistent(&both->mutex);
    int released = pthread_mutex_unlock(&both->mutex);
    int again = pthread_mutex_lock(&both->mutex);
    pthread_mutex_unlock(&both->mutex);
    waitpid(child, 0, 0);
    printf("processes %d: %d %d %d %d\n", both->turn, dead == EOWNERDEAD, consistent, released, again);
}

static void time_outs(void)
{
    pthread_mutex_t mutex;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    pthread_mutexattr_t attribute;
    struct timespec soon;
    sem_t empty;
    pthread_mutexattr_init(&attribute);
    pthread_mutexattr_settype(&attribute, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&mutex, &attribute);
    sem_init(&empty, 0, 0);
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 30000000;
    if (soon.tv_nsec >= 1000000000) {
        soon.tv_sec++;
        soon.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&mutex);
    int relock = pthread_mutex_lock(&mutex);
    int waited = pthread_cond_timedwait(&condition, &mutex, &soon);
    int empty_wait = sem_timedwait(&empty, &soon) == 0 ? 0 : errno;
    printf("times %d %d %d\n", relock == EDEADLK, waited == ETIMEDOUT, empty_wait == ETIMEDOUT);
}

int main(void)
{
    setvbuf(stdout, 0, _IONBF, 0);
    pthread_mutexattr_t attribute;
    pthread_mutexattr_init(&attribute);
    pthread_mutexattr_setprotocol(&attribute, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&inheriting, &attribute);
    pthread_mutexattr_init(&attribute);
    pthread_mutexattr_settype(&attribute, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&recursive, &attribute);
    pthread_barrier_init(&barrier, 0, THREADS);
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    sem_init(&places, 0, 2);
    pthread_t threads[THREADS];
    for (long at = 0; at < THREADS; at++) {
        pthread_create(&threads[at], 0, work, (void *)at);
    }
    for (int at = 0; at < THREADS; at++) {
        pthread_join(threads[at], 0);
    }
    printf("threads %ld %ld: %ld %ld %ld %ld %ld\n", serials, torn, sums[0], sums[1], sums[2], sums[3],
           sums[4]);
    between_processes(PTHREAD_PRIO_NONE);
    between_processes(PTHREAD_PRIO_INHERIT);
    time_outs();
    return 0;
}
