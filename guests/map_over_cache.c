/* Tests: fixed mappings over wide ranges that a translator may have taken for itself: around the image,
 * below the libraries, below 2 GB; while a second thread computes, with code run before and after.
 * Expected: status 0, prints the ranges' answers and two sums. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define GIB (1ul << 30)
#define MIB (1ul << 20)
#define NOTHING (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

extern char etext;
static volatile int stop;

__attribute__((noinline)) static unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static unsigned one(unsigned x) { return x * 3 + 1; }
static unsigned two(unsigned x) { return x ^ 0x5555; }
static unsigned (*volatile functions[])(unsigned) = {one, two, fib};

static void *compute(void *sum)
{
    unsigned long rounds = 0, wrong = 0;
    while (!stop || rounds < 10) {
        wrong += functions[rounds % 3](12) != (rounds % 3 == 0 ? 37 : rounds % 3 == 1 ? 0x5559 : 144);
        rounds++;
    }
    *(unsigned long *)sum = wrong;
    return 0;
}

static int run_there(char *place, unsigned char number)
{
    unsigned char code[] = {0xb8, number, 0, 0, 0, 0xc3};
    if (mprotect(place, 4096, PROT_READ | PROT_WRITE | PROT_EXEC))
        return -1;
    memcpy(place, code, sizeof code);
    return ((int (*)(void))place)();
}

static void take(const char *name, unsigned long start, unsigned long end)
{
    unsigned taken = 0, kept = 0, ran = 0;
    for (int round = 0; round < 2; round++)
        for (unsigned long at = start; at < end; at += 64 * MIB) {
            int exact = round == 0 ? MAP_FIXED_NOREPLACE : MAP_FIXED;
            char *got = mmap((char *)at, 64 * MIB, PROT_NONE, NOTHING | exact, -1, 0);
            taken += got == (char *)at;
            if (got != (char *)at)
                continue;
            ran += run_there(got + 4096, (unsigned char)(at >> 26)) == (unsigned char)(at >> 26);
            kept += got[4097] == (char)(at >> 26);
            fib(15);
            if (round == 0)
                munmap(got, 64 * MIB);
        }
    printf("%s: %u %u %u\n", name, taken, ran, kept);
}

int main(void)
{
    pthread_t thread;
    unsigned long wrong, image = (unsigned long)&etext & -(64 * MIB), library = (unsigned long)&printf & -(64 * MIB);
    pthread_create(&thread, 0, compute, &wrong);
    take("below 2 GB", 0x60000000, 0x80000000);
    if (image > 16 * GIB) {
        take("below the image", image - 2 * GIB, image - 64 * MIB);
        take("above the image", image + GIB + 512 * MIB, image + 3 * GIB);
        take("below the libraries", library - 2 * GIB, library - 832 * MIB);
    }
    stop = 1;
    pthread_join(thread, 0);
    printf("%u %lu\n", fib(20), wrong);
    return 0;
}
