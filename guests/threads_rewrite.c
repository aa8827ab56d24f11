/* Tests: 64 threads that write code and run it: 48 rewrite functions of their own in four pages that they
 * share, 8 map, flip, run and unmap code of their own, and 4 pairs hand code over as the architecture wants
 * it: stores, a flag, cpuid, a call. The argument says how often. Expected: status 0, prints "0 wrong". */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { THREADS = 64, WRITERS = 48, MAPPERS = 8, PAGE = 4096, SLOT = 64 };

typedef int (*function)(void);
static unsigned char *pages;
static int rounds = 100, wrong, turns[(THREADS - WRITERS - MAPPERS) / 2];

static void put(unsigned char *code, int value)
{
    unsigned char bytes[6] = {0xb8, 0, 0, 0, 0, 0xc3}; /* mov eax, value; ret */
    memcpy(bytes + 1, &value, 4);
    memcpy(code, bytes, sizeof bytes);
}

static void expect(unsigned char *code, int value)
{
    if (((function)(void *)code)() != value)
        __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static void rewrite(int self)
{
    unsigned char *code = pages + self % 4 * PAGE + self / 4 * SLOT;
    for (int i = 0; i < rounds; i++) {
        put(code, i * THREADS + self);
        for (int j = 0; j < i % 5 + 1; j++)
            expect(code, i * THREADS + self);
    }
}

static void map_anew(void)
{
    for (int i = 0; i < rounds; i++) {
        unsigned char *code = mmap(0, 2 * PAGE, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        put(code + PAGE - 3, i);
        expect(code + PAGE - 3, i);
        mprotect(code, 2 * PAGE, PROT_READ | PROT_EXEC);
        expect(code + PAGE - 3, i);
        mprotect(code, 2 * PAGE, PROT_READ | PROT_WRITE);
        put(code + PAGE - 3, i + 1);
        mprotect(code, 2 * PAGE, PROT_READ | PROT_EXEC);
        expect(code + PAGE - 3, i + 1);
        munmap(code, 2 * PAGE);
    }
}

static void hand_over(int pair, int reads)
{
    unsigned char *code = pages + 4 * PAGE + pair * SLOT;
    for (int i = 0; i < rounds; i++) {
        while (__atomic_load_n(&turns[pair], __ATOMIC_ACQUIRE) != 2 * i + reads)
            sched_yield();
        if (reads) {
            unsigned a = 0, b, c, d;
            __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
            expect(code, i ^ pair << 20);
        } else {
            put(code, i ^ pair << 20);
        }
        __atomic_store_n(&turns[pair], 2 * i + reads + 1, __ATOMIC_RELEASE);
    }
}

static void *run(void *argument)
{
    int self = (int)(long)argument;
    if (self < WRITERS)
        rewrite(self);
    else if (self < WRITERS + MAPPERS)
        map_anew();
    else
        hand_over((self - WRITERS - MAPPERS) / 2, self % 2);
    return 0;
}

int main(int count, char **arguments)
{
    pthread_t threads[THREADS];
    if (count > 1)
        rounds = atoi(arguments[1]);
    pages = mmap(0, 5 * PAGE, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long i = 0; i < THREADS; i++)
        pthread_create(threads + i, 0, run, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], 0);
    printf("%d wrong\n", wrong);
    return wrong != 0;
}
