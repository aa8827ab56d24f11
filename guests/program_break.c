/* Tests: brk grows, shrinks, reads zero when grown again, refuses nonsense; code on the heap's page.
 * Expected: status 0, prints relations. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned long set(unsigned long address) { return (unsigned long)syscall(SYS_brk, address); }

int main(void)
{
    char line[256];
    unsigned long start = set(0), ok = 0;
    ok += set(start + 100000) == start + 100000;
    memset((void *)start, 7, 100000);
    ok += set(start + 4096) == start + 4096;
    ok += set(start + 100000) == start + 100000;
    ok += ((char *)start)[50000] == 0 && ((char *)start)[10] == 7;
    ok += set(start - 100000000) == start + 100000;
    ok += set(0x7fffffffffff000) == start + 100000;
    ok += set((start & ~4095ul) + (1 << 26)) == (start & ~4095ul) + (1 << 26);
    unsigned long page = (start & ~4095ul) + (1 << 20);
    memcpy((void *)page, "\xb8\x0b\0\0\0\xc3", 6);
    ok += mprotect((void *)page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
    ok += ((int (*)(void))page)() == 11;
    ok += set(start) == start;
    FILE *file = fopen("/proc/self/maps", "r"); /* malloc grows the heap again */
    int heap = 0;
    while (fgets(line, sizeof line, file))
        heap += strstr(line, "[heap]") != 0;
    printf("%lu %d\n", ok, heap);
    return 0;
}
