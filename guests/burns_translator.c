/* Tests: a program that does nothing but make work for a translator, for ever, in the way that its argument
 * names: "rewrite" one function, run "fresh" code at ever new addresses, "flip" the protection of code,
 * run code that "other" threads rewrite. Expected: natively never to end; by a budget with status 125. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

typedef unsigned (*function)(void);

enum { PAGES = 64, PAGE = 4096 };
static unsigned char *code;

static void put(unsigned char *at, unsigned value)
{
    static const unsigned char pattern[] = {0xb8, 0, 0, 0, 0, 0xc3}; /* mov eax, value; ret */
    memcpy(at, pattern, sizeof pattern);
    memcpy(at + 1, &value, sizeof value);
}

static void *rewrite(void *from)
{
    for (unsigned i = 0;; i++) {
        put(from, i);
        ((function)from)();
    }
    return 0;
}

static void fresh(void)
{
    for (unsigned i = 0;; i++) {
        unsigned char *page = mmap(0, PAGE, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (unsigned at = 0; at + 6 <= PAGE; at += 8) {
            put(page + at, i + at);
            ((function)(void *)(page + at))();
        }
        munmap(page, PAGE);
    }
}

static void flip(void)
{
    put(code, 1);
    for (;;) {
        mprotect(code, PAGE, PROT_READ | PROT_WRITE);
        mprotect(code, PAGE, PROT_READ | PROT_EXEC);
        ((function)(void *)code)();
    }
}

int main(int count, char **arguments)
{
    code = mmap(0, PAGES * PAGE, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (count < 2)
        return 1;
    if (strcmp(arguments[1], "fresh") == 0)
        fresh();
    if (strcmp(arguments[1], "flip") == 0)
        flip();
    if (strcmp(arguments[1], "other") == 0) {
        pthread_t thread;
        for (int i = 1; i < 8; i++)
            pthread_create(&thread, 0, rewrite, code + i * PAGE);
    }
    rewrite(code);
}
