/* Tests: 10,000 detached threads, a few at a time; what the process maps does not grow with them.
 * Expected: prints 10000 1, status 0. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

static sem_t room;
static long count;

static void *work(void *argument)
{
    __atomic_fetch_add(&count, 1, __ATOMIC_SEQ_CST);
    sem_post(&room);
    return argument;
}

static long mapped_pages(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld", &pages) != 1)
        return -1;
    fclose(file);
    return pages;
}

static void start(int number)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < number; i++) {
        sem_wait(&room);
        while (pthread_create(&thread, &attributes, work, 0))
            ;
    }
}

int main(void)
{
    sem_init(&room, 0, 8);
    start(2000);
    long before = mapped_pages();
    start(8000);
    long after = mapped_pages();
    for (int i = 0; i < 8; i++)
        sem_wait(&room);
    printf("%ld %d\n", count, after - before < 100000);
    return 0;
}
