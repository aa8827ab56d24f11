/* Tests: 1,000 threads at once, each with its own thread-local storage, all released together.
 * Expected: prints 1000 499500, status 0. */
#include <pthread.h>
#include <stdio.h>

#define THREADS 1000

static pthread_barrier_t barrier;
static __thread long own = 7;
static long sum;

static void *work(void *argument)
{
    own += (long)argument;
    pthread_barrier_wait(&barrier);
    __atomic_fetch_add(&sum, own - 7, __ATOMIC_SEQ_CST);
    return argument;
}

int main(void)
{
    static pthread_t threads[THREADS];
    pthread_attr_t attributes;
    int started = 0;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    pthread_barrier_init(&barrier, 0, THREADS);
    for (long i = 0; i < THREADS; i++)
        started += pthread_create(threads + i, &attributes, work, (void *)i) == 0;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], 0);
    printf("%d %ld\n", started, sum);
    return 0;
}
