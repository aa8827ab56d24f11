/* Tests: return values of threads by return, pthread_exit and cancellation, with cleanup handlers; a
 * thread that starts and joins others.
 * Expected: prints sums, status 0. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static int cleaned;

static void clean(void *argument)
{
    __atomic_fetch_add(&cleaned, (int)(long)argument, __ATOMIC_SEQ_CST);
}

static void *leave(void *argument)
{
    pthread_cleanup_push(clean, (void *)1);
    if ((long)argument % 2)
        pthread_exit(argument);
    pthread_cleanup_pop(0);
    return argument;
}

static void *wait_for_ever(void *argument)
{
    pthread_cleanup_push(clean, (void *)100);
    pause();
    pthread_cleanup_pop(0);
    return argument;
}

static void *spin_for_ever(void *argument)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, 0);
    for (;;)
        __asm__ volatile("" ::: "memory");
    return argument;
}

static void *start_others(void *argument)
{
    pthread_t threads[8];
    long sum = 0;
    for (long i = 0; i < 8; i++)
        pthread_create(threads + i, 0, leave, (void *)i);
    for (int i = 0; i < 8; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    return (void *)(sum + (long)argument);
}

int main(void)
{
    pthread_t starter, waiting, spinning;
    void *result, *cancelled[2];
    pthread_create(&starter, 0, start_others, (void *)1000);
    pthread_create(&waiting, 0, wait_for_ever, 0);
    pthread_create(&spinning, 0, spin_for_ever, 0);
    pthread_join(starter, &result);
    pthread_cancel(waiting);
    pthread_cancel(spinning);
    pthread_join(waiting, cancelled);
    pthread_join(spinning, cancelled + 1);
    printf("%ld %d %d\n", (long)result, cleaned,
           cancelled[0] == PTHREAD_CANCELED && cancelled[1] == PTHREAD_CANCELED);
    return 0;
}
