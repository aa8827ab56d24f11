/* Tests: threads that write code into the same pages at the same time and call it: each has its own
 * function in a shared page, rewritten before every call; others map, fill, call and unmap code.
 * Expected: prints 0 wrong answers, status 0. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define WRITERS 6
#define MAPPERS 2
#define ROUNDS 300

static unsigned char *page;
static int wrong;

static int call(unsigned char *code, int value)
{
    unsigned char bytes[6] = {0xb8, 0, 0, 0, 0, 0xc3}; /* mov eax, value; ret */
    memcpy(bytes + 1, &value, 4);
    memcpy(code, bytes, sizeof bytes);
    return ((int (*)(void))code)();
}

static void *write_code(void *argument)
{
    long self = (long)argument;
    for (int i = 0; i < ROUNDS; i++)
        if (call(page + self * 64 + (i % 2 ? 4096 - 32 * (self + 1) : 0), i * 16 + (int)self) !=
            i * 16 + self)
            __atomic_fetch_add(&wrong, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static void *map_code(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        unsigned char *code = mmap(0, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        int bad = call(code + 4093, i) != i;
        mprotect(code, 8192, PROT_READ | PROT_EXEC);
        bad |= ((int (*)(void))(code + 4093))() != i;
        mprotect(code, 8192, PROT_READ | PROT_WRITE | PROT_EXEC);
        bad |= call(code + 4093, i + 1) != i + 1;
        munmap(code, 8192);
        if (bad)
            __atomic_fetch_add(&wrong, 1, __ATOMIC_SEQ_CST);
    }
    return argument;
}

int main(void)
{
    pthread_t threads[WRITERS + MAPPERS];
    page = mmap(0, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long i = 0; i < WRITERS + MAPPERS; i++)
        pthread_create(threads + i, 0, i < WRITERS ? write_code : map_code, (void *)i);
    for (int i = 0; i < WRITERS + MAPPERS; i++)
        pthread_join(threads[i], 0);
    printf("%d\n", wrong);
    return 0;
}
