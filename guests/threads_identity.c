/* Tests: a change of user and group ids by one thread reaches all of them, which the C library does by
 * a signal of its own to each; half of the threads compute, half are inside calls that block.
 * Expected: prints 12 12 1, status 0. */
#define _GNU_SOURCE
#include <grp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREADS 12

static volatile int stop;
static int pipes[2];
static sem_t ready;
static unsigned wanted_user, wanted_group;
static int users, groups;

static void *work(void *argument)
{
    long number = (long)argument;
    volatile unsigned long spins = 0;
    char byte;
    sem_post(&ready);
    if (number % 2 == 0) {
        while (!stop) {
            spins++;
        }
    } else {
        ssize_t got = read(pipes[0], &byte, 1);
        (void)got;
    }
    __atomic_fetch_add(&users, (unsigned)syscall(SYS_geteuid) == wanted_user, __ATOMIC_RELAXED);
    __atomic_fetch_add(&groups, (unsigned)syscall(SYS_getegid) == wanted_group, __ATOMIC_RELAXED);
    return 0;
}

int main(void)
{
    pthread_t threads[THREADS];
    int is_root = geteuid() == 0;
    wanted_user = is_root ? 65534 : geteuid();
    wanted_group = is_root ? 65533 : getegid();
    sem_init(&ready, 0, 0);
    if (pipe(pipes) != 0) {
        return 1;
    }
    for (long at = 0; at < THREADS; at++) {
        pthread_create(&threads[at], 0, work, (void *)at);
        sem_wait(&ready);
    }
    int result = setresgid(wanted_group, wanted_group, wanted_group);
    result |= setresuid(wanted_user, wanted_user, wanted_user);
    stop = 1;
    for (int at = 0; at < THREADS; at += 2) {
        if (write(pipes[1], "x", 1) != 1) {
            return 2;
        }
    }
    for (int at = 0; at < THREADS; at++) {
        pthread_join(threads[at], 0);
    }
    printf("%d %d %d\n", users, groups, result == 0);
    return 0;
}
