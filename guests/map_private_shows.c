/* Tests: private mappings of a file that show what is stored through a shared one, up to the first store of
 * their own: plain stores, repeated ones over many pages, the kernel's; mapped before the shared one and behind it,
 * dropped by madvise. Expected: status 0, prints "ok" or the number of the failed check. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) { printf("line %d errno %d\n", __LINE__, errno); return 1; } } while (0)
#define RW (PROT_READ | PROT_WRITE)
#define PAGE 4096ul
#define PAGES 16ul

static void fill(volatile char *to, int value, unsigned long size)
{
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
}

static int shows(const volatile char *private, volatile char *shared)
{
    for (unsigned long page = 0; page < PAGES; page++) {
        volatile char *there = shared + page * PAGE;
        const volatile char *here = private + page * PAGE;
        for (int value = 1; value < 50; value++) {
            there[value] = (char)value;
            CHECK(here[value] == value);
        }
    }
    return 0;
}

static int keeps(volatile char *private, volatile char *shared)
{
    private[2 * PAGE] = 'p';
    shared[2 * PAGE] = 's';
    shared[2 * PAGE + 1] = 's';
    CHECK(private[2 * PAGE] == 'p' && private[2 * PAGE + 1] == 1);
    fill(private + 4 * PAGE - 100, 7, 2 * PAGE); /* pages 3, 4 and 5 become its own midway */
    fill(shared, 9, 8 * PAGE);
    CHECK(private[4 * PAGE - 101] == 0 && private[4 * PAGE] == 7 && private[6 * PAGE - 100] == 0);
    CHECK(private[0] == 9 && private[6 * PAGE] == 9 && private[7 * PAGE] == 9);
    __asm__ volatile("lock incb %0" : "+m"(private[7 * PAGE]));
    CHECK(private[7 * PAGE] == 10 && shared[7 * PAGE] == 9);
    *(volatile long *)(void *)(private + 9 * PAGE - 4) = -1; /* two pages at once */
    fill(shared + 8 * PAGE, 0, 2 * PAGE);
    CHECK(private[9 * PAGE] == -1 && private[9 * PAGE + 3] == -1 && private[9 * PAGE + 5] == 5);
    return 0;
}

static int of_the_kernel(char *private, char *shared, int file)
{
    int ends[2];
    CHECK(pipe(ends) == 0 && write(ends[1], "pipe", 4) == 4);
    CHECK(read(ends[0], private + 10 * PAGE, 4) == 4 && shared[10 * PAGE] == 0);
    shared[10 * PAGE] = 's';
    CHECK(memcmp(private + 10 * PAGE, "pipe", 4) == 0);
    CHECK(pwrite(file, "file", 4, (long)(11 * PAGE)) == 4 && memcmp(private + 11 * PAGE, "file", 4) == 0);
    shared[11 * PAGE] = 'm';
    CHECK(private[11 * PAGE] == 'm');
    CHECK(madvise(private, PAGES * PAGE, MADV_DONTNEED) == 0 && private[10 * PAGE] == 's');
    shared[10 * PAGE] = 't';
    CHECK(private[10 * PAGE] == 't' && private[2 * PAGE] == 9);
    return 0;
}

static int all(char *private, char *shared, int file)
{
    CHECK(private != MAP_FAILED && shared != MAP_FAILED);
    fill(shared, 0, PAGES * PAGE);
    return shows(private, shared) || keeps(private, shared) || of_the_kernel(private, shared, file);
}

int main(void)
{
    int file = memfd_create("file", 0);
    CHECK(ftruncate(file, PAGES * PAGE) == 0);
    char *shared = mmap(0, PAGES * PAGE, RW, MAP_SHARED, file, 0);
    char *private = mmap(0, PAGES * PAGE, RW, MAP_PRIVATE, file, 0);
    if (all(private, shared, file))
        return 1;
    CHECK(munmap(shared, PAGES * PAGE) == 0 && munmap(private, PAGES * PAGE) == 0);
    private = mmap(0, PAGES * PAGE, RW, MAP_PRIVATE, file, 0);
    private[14 * PAGE] = 1;
    shared = mmap(0, PAGES * PAGE, RW, MAP_SHARED, file, 0);
    if (all(private, shared, file))
        return 1;
    private[14 * PAGE] = 2;
    shared[14 * PAGE] = 3;
    CHECK(private[14 * PAGE] == 2);
    CHECK(munmap(shared, PAGES * PAGE) == 0 && pwrite(file, "alone", 5, 0) == 5 && memcmp(private, "alone", 5) == 0);
    puts("ok");
    return 0;
}
