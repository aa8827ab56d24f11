/* Tests: a robust mutex whose owner ends, as a thread and as a process with shared memory, tells the
 * next one who locks it.
 * Expected: prints 1 1 1 1, status 0. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void *lock_and_leave(void *argument)
{
    pthread_mutex_lock(argument);
    return 0;
}

static int lock_again(pthread_mutex_t *mutex)
{
    int result = pthread_mutex_lock(mutex);
    if (result == EOWNERDEAD)
        pthread_mutex_consistent(mutex);
    pthread_mutex_unlock(mutex);
    return result;
}

int main(void)
{
    pthread_mutex_t *mutex =
        mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attributes;
    pthread_t thread;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(mutex, &attributes);
    pthread_create(&thread, 0, lock_and_leave, mutex);
    pthread_join(thread, 0);
    int first = lock_again(mutex), second = lock_again(mutex);
    if (fork() == 0) {
        pthread_mutex_lock(mutex);
        _exit(0);
    }
    wait(0);
    int third = lock_again(mutex), fourth = lock_again(mutex);
    printf("%d %d %d %d\n", first == EOWNERDEAD, second == 0, third == EOWNERDEAD, fourth == 0);
    return 0;
}
