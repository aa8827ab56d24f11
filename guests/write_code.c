/* Tests: code written into fresh anonymous memory: RWX; RW then RX; rewritten and run again; called
 * between rewrites without changes. Expected: status 0, prints three sums. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

typedef unsigned (*function)(void);

static void emit(unsigned char *at, unsigned value)
{
    at[0] = 0xb8; /* mov eax, value; ret */
    memcpy(at + 1, &value, 4);
    at[5] = 0xc3;
}

int main(void)
{
    unsigned char *page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned long sum = 0;
    for (unsigned i = 0; i < 2000; i++) {
        emit(page + (i & 15) * 64, i * 3);
        for (int j = 0; j < 4; j++)
            sum = sum * 31 + ((function)(void *)(page + (i & 15) * 64))();
    }
    printf("%lu\n", sum);
    for (unsigned i = 0; i < 200; i++) { /* the same page, flipped between writable and executable */
        mprotect(page, 4096, PROT_READ | PROT_WRITE);
        emit(page + 128, i);
        mprotect(page, 4096, PROT_READ | PROT_EXEC);
        sum = sum * 31 + ((function)(void *)(page + 128))();
    }
    printf("%lu\n", sum);
    for (unsigned i = 0; i < 200; i++) { /* unmapped and mapped again at the same address */
        munmap(page, 4096);
        page = mmap(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        emit(page, i ^ 0x55);
        sum = sum * 31 + ((function)(void *)page)();
    }
    printf("%lu\n", sum);
    return 0;
}
