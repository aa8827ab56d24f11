/* Tests: threads with a mutex, a condition variable, atomics, thread-local storage and return values.
 * Expected: status 0, prints sums. */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long counter, atomic_counter;
static int turn;
static __thread long own;

static void *work(void *argument)
{
    for (long i = 0; i < 20000; i++) {
        own += (long)argument;
        __atomic_fetch_add(&atomic_counter, 1, __ATOMIC_SEQ_CST);
        pthread_mutex_lock(&lock);
        counter++;
        pthread_mutex_unlock(&lock);
    }
    return (void *)own;
}

static void *alternate(void *argument)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&lock);
        while (turn != (int)(long)argument)
            pthread_cond_wait(&changed, &lock);
        turn = !turn;
        counter++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
    return 0;
}

int main(void)
{
    pthread_t threads[4];
    long sum = 0;
    for (long i = 0; i < 4; i++)
        pthread_create(threads + i, 0, work, (void *)i);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    for (long i = 0; i < 2; i++)
        pthread_create(threads + i, 0, alternate, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], 0);
    printf("%ld %ld %ld %ld\n", sum, counter, atomic_counter, own);
    return 0;
}
