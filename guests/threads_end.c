/* Tests: one thread ends the process while others compute, wait and lock.
 * Expected: status 7, by exit_group, or death by SIGABRT with an argument. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;

static void *work(void *argument)
{
    pthread_barrier_wait(&barrier);
    if (argument == 0)
        pause();
    for (;;) {
        if ((long)argument > 3)
            pthread_mutex_lock(&lock);
        free(malloc(100));
        if ((long)argument > 3)
            pthread_mutex_unlock(&lock);
    }
    return argument;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    (void)argv;
    pthread_barrier_init(&barrier, 0, 9);
    for (long i = 0; i < 8; i++)
        pthread_create(&thread, 0, work, (void *)i);
    pthread_barrier_wait(&barrier);
    usleep(2000);
    if (argc > 1)
        abort();
    _exit(7);
}
