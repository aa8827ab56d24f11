/* Tests: one memfd mapped twice, written through one view and run through the other.
 * Expected: status 0, prints a sum. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
    int file = memfd_create("code", 0);
    if (ftruncate(file, 4096))
        return 1;
    unsigned char *writable = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    unsigned (*run)(void) = (unsigned (*)(void))mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    unsigned long sum = 0;
    for (unsigned i = 0; i < 500; i++) {
        unsigned char code[6] = {0xb8, (unsigned char)i, (unsigned char)(i >> 8), 0, 0, 0xc3};
        if (i & 1)
            memcpy(writable, code, 6);
        else if (pwrite(file, code, 6, 0) != 6)
            return 2;
        sum = sum * 31 + run() + run();
    }
    printf("%lu\n", sum);
    return 0;
}
