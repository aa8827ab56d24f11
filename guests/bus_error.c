/* Tests: a read beyond the end of a mapped file: SIGBUS. Expected: death by SIGBUS after "mapped". */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>

int main(void)
{
    volatile char *page = mmap(0, 4096, PROT_READ, MAP_PRIVATE, memfd_create("empty", 0), 0);
    puts("mapped");
    fflush(stdout);
    return page[100];
}
