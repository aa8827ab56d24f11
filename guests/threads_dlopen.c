/* Tests: thread-local storage of a library that is loaded while threads run: each thread, older or
 * younger than the library, finds its own copy with the initial value; a destructor runs for each; the
 * library is closed and loaded again.
 * Expected: prints 48 48 96 1, status 0. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 16
#define ROUNDS 3

static const char *path;
static pthread_barrier_t loaded, done;
static long (*add)(long);
static long right, fresh;
static pthread_key_t key;
static long destroyed;

static void destroy(void *value)
{
    __atomic_fetch_add(&destroyed, *(char *)value == 'k', __ATOMIC_RELAXED);
    free(value);
}

static void *work(void *argument)
{
    long number = (long)argument;
    char *value = malloc(1);
    *value = 'k';
    pthread_setspecific(key, value);
    pthread_barrier_wait(&loaded);
    if (add(number) == 1000 + number) {
        __atomic_fetch_add(&fresh, 1, __ATOMIC_RELAXED);
    }
    long sum = 0;
    for (int at = 0; at < 100; at++) {
        sum = add(1);
    }
    if (sum == 1100 + number) {
        __atomic_fetch_add(&right, 1, __ATOMIC_RELAXED);
    }
    pthread_barrier_wait(&done);
    return 0;
}

static void *idle(void *argument)
{
    char *value = malloc(1);
    *value = 'k';
    pthread_setspecific(key, value);
    return argument;
}

int main(int argc, char **argv)
{
    int closed = 1;
    path = argc > 1 ? argv[1] : "";
    pthread_key_create(&key, destroy);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS], others[THREADS];
        pthread_barrier_init(&loaded, 0, THREADS + 1);
        pthread_barrier_init(&done, 0, THREADS + 1);
        for (long at = 0; at < THREADS; at++) {
            pthread_create(&threads[at], 0, work, (void *)at);
        }
        void *library = dlopen(path, RTLD_NOW);
        add = library ? (long (*)(long))dlsym(library, "add_to_mine") : 0;
        if (add == 0) {
            puts(dlerror());
            return 1;
        }
        pthread_barrier_wait(&loaded);
        for (long at = 0; at < THREADS; at++) {
            pthread_create(&others[at], 0, idle, 0);
        }
        pthread_barrier_wait(&done);
        for (int at = 0; at < THREADS; at++) {
            pthread_join(threads[at], 0);
            pthread_join(others[at], 0);
        }
        closed &= dlclose(library) == 0;
    }
    printf("%ld %ld %ld %d\n", fresh, right, destroyed, closed);
    return 0;
}
