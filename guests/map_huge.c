/* Tests: huge pages: advice (huge, none, collapse), code in a region of huge pages that is written,
 * split by mprotect and moved; MAP_HUGETLB answered as the kernel does, its length rounded up.
 * Expected: status 0, prints the answers. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define HUGE (2ul << 20)
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static unsigned run(void *page) { return ((unsigned (*)(void))page)(); }

static void put(char *page, char number)
{
    memcpy(page, "\xb8\0\0\0\0\xc3", 6);
    page[1] = number;
}

static void answer(const char *what, long result)
{
    printf("%s %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
}

int main(void)
{
    char *area = mmap(0, 8 * HUGE, RWX, ANONYMOUS, -1, 0);
    char *huge = (char *)(((unsigned long)area + HUGE - 1) & -HUGE);
    answer("huge", madvise(huge, 4 * HUGE, MADV_HUGEPAGE));
    memset(huge, 0xc3, 4 * HUGE);
    for (int i = 0; i < 4; i++)
        put(huge + (unsigned long)i * HUGE + 4096, (char)i);
    printf("%u%u%u%u\n", run(huge + 4096), run(huge + HUGE + 4096), run(huge + 2 * HUGE + 4096), run(huge + 3 * HUGE + 4096));
    put(huge + HUGE + 4096, 9);
    answer("protect", mprotect(huge + 4096, 4096, PROT_READ | PROT_EXEC));
    printf("%u%u\n", run(huge + 4096), run(huge + HUGE + 4096));
    answer("none", madvise(huge, HUGE, MADV_NOHUGEPAGE));
    answer("collapse", madvise(huge + HUGE, HUGE, MADV_COLLAPSE));
    printf("%u\n", run(huge + HUGE + 4096));
    answer("collapse none", madvise((char *)16, HUGE, MADV_COLLAPSE));
    char *moved = mremap(huge + 2 * HUGE, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, huge + 5 * HUGE);
    printf("%u\n", moved == huge + 5 * HUGE ? run(moved + 4096) : 99);
    answer("drop", madvise(huge + 3 * HUGE, HUGE, MADV_DONTNEED));
    put(huge + 3 * HUGE + 4096, 4);
    printf("%u\n", run(huge + 3 * HUGE + 4096));
    answer("process", prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
    answer("unknown", madvise(huge, 4096, 0x4444));
    char *large = mmap(0, 4096, RWX, ANONYMOUS | MAP_HUGETLB, -1, 0);
    if (large == MAP_FAILED) {
        answer("hugetlb", -1);
        return 0;
    }
    for (unsigned long page = 0; page < 512; page += 64)
        put(large + page * 4096, (char)page);
    for (unsigned long page = 0; page < 512; page += 64)
        printf("%u ", run(large + page * 4096));
    put(large + 64 * 4096, 3);
    printf("%u\n", run(large + 64 * 4096));
    answer("hugetlb part", munmap(large, 4096));
    answer("hugetlb whole", munmap(large, HUGE));
    return 0;
}
