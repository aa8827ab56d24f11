/* Tests: vfork and posix_spawn by several threads at once while others compute: a child runs in the
 * shared memory beside the threads.
 * Expected: prints 120, status 0. */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int stop;
static int right;

static void *compute(void *argument)
{
    while (!stop)
        snprintf((char[64]){0}, 64, "%d %p", right, argument);
    return argument;
}

static void *spawn(void *argument)
{
    char *words[] = {"true", 0}, *none[] = {0};
    for (int i = 0; i < 20; i++) {
        int status = 1;
        pid_t child;
        if (posix_spawn(&child, "/bin/true", 0, 0, words, none) == 0 &&
            waitpid(child, &status, 0) == child && status == 0)
            __atomic_fetch_add(&right, 1, __ATOMIC_SEQ_CST);
        if ((child = vfork()) == 0)
            _exit(4);
        if (waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 4)
            __atomic_fetch_add(&right, 1, __ATOMIC_SEQ_CST);
    }
    return argument;
}

int main(void)
{
    pthread_t threads[5];
    for (int i = 0; i < 5; i++)
        pthread_create(threads + i, 0, i < 3 ? spawn : compute, 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], 0);
    stop = 1;
    pthread_join(threads[3], 0);
    pthread_join(threads[4], 0);
    printf("%d\n", right);
    return 0;
}
