/* Tests: fork, by several threads at once, while other threads translate, map memory and allocate; the
 * child has one thread and starts threads of its own.
 * Expected: prints 40 children with status 3, status 0. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int stop;
static int right;

static void *disturb(void *argument)
{
    while (!stop) {
        char *room = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        room[100] = 1;
        mprotect(room, 4096, PROT_READ);
        munmap(room, 65536);
        free(malloc(3000));
    }
    return argument;
}

static void *add(void *argument)
{
    return (void *)((long)argument + 1);
}

static void *start_children(void *argument)
{
    for (int i = 0; i < 10; i++) {
        pid_t child = fork();
        if (child == 0) {
            pthread_t threads[2];
            void *results[2];
            for (long k = 0; k < 2; k++)
                pthread_create(threads + k, 0, add, (void *)k);
            for (int k = 0; k < 2; k++)
                pthread_join(threads[k], results + k);
            _exit((int)((long)results[0] + (long)results[1]));
        }
        int status;
        if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3)
            __atomic_fetch_add(&right, 1, __ATOMIC_SEQ_CST);
    }
    return argument;
}

int main(void)
{
    pthread_t threads[6];
    for (int i = 0; i < 6; i++)
        pthread_create(threads + i, 0, i < 4 ? start_children : disturb, 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], 0);
    stop = 1;
    pthread_join(threads[4], 0);
    pthread_join(threads[5], 0);
    printf("%d\n", right);
    return 0;
}
