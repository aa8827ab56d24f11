/* Tests: mmap and mremap: fixed, no-replace, grow in place or by moving, shrink, move onto another
 * mapping, code after a move; file mappings private and shared; munmap of the middle; msync, mincore.
 * Expected: status 0, prints "ok" or the number of the failed check. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) { printf("line %d errno %d\n", __LINE__, errno); return 1; } } while (0)
#define RW (PROT_READ | PROT_WRITE)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

int main(void)
{
    char *area = mmap(0, 16 * 4096, RW, ANONYMOUS, -1, 0);
    unsigned char resident[16];
    CHECK(area != MAP_FAILED);
    memset(area, 5, 16 * 4096);
    CHECK(munmap(area + 4 * 4096, 4 * 4096) == 0);
    CHECK(mincore(area + 4 * 4096, 4096, resident) == -1 && errno == ENOMEM);
    CHECK(mmap(area + 4 * 4096, 4096, RW, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == area + 4 * 4096);
    CHECK(area[4 * 4096] == 0);
    CHECK(mmap(area, 4096, RW, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST);
    char *grown = mremap(area + 8 * 4096, 8 * 4096, 64 * 4096, MREMAP_MAYMOVE);
    CHECK(grown != MAP_FAILED && grown[8 * 4096 - 1] == 5 && grown[8 * 4096] == 0);
    grown[0] = 6;
    CHECK(mremap(grown, 64 * 4096, 4096, 0) == grown && grown[0] == 6);
    CHECK(mprotect(grown, 64 * 4096, RW) == -1 && errno == ENOMEM);
    memcpy(grown, "\xb8\x0c\0\0\0\xc3", 6);
    CHECK(mprotect(grown, 4096, PROT_READ | PROT_EXEC) == 0 && ((int (*)(void))grown)() == 12);
    char *target = mmap(0, 4096, PROT_READ | PROT_EXEC, ANONYMOUS, -1, 0);
    CHECK(mremap(grown, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
    CHECK(((int (*)(void))target)() == 12);
    CHECK(mprotect(target, 4096, RW) == 0);
    target[1] = 13;
    CHECK(mprotect(target, 4096, PROT_READ | PROT_EXEC) == 0 && ((int (*)(void))target)() == 13);
    int file = memfd_create("file", 0);
    CHECK(write(file, "hello", 5) == 5);
    char *shared = mmap(0, 4096, RW, MAP_SHARED, file, 0), *private = mmap(0, 4096, RW, MAP_PRIVATE, file, 0);
    shared[0] = 'j';
    CHECK(private[0] == 'j');
    private[0] = 'b';
    CHECK(shared[0] == 'j' && msync(shared, 4096, MS_SYNC) == 0);
    CHECK(mmap((void *)1, 4096, RW, ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(0, 0, RW, ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(munmap(area + 1, 4096) == -1 && errno == EINVAL);
    CHECK(mprotect((void *)(1ul << 62), 4096, RW) == -1 && errno == ENOMEM);
    char *low = mmap((void *)0x20000, 4096, RW, ANONYMOUS | MAP_32BIT, -1, 0);
    CHECK(low != MAP_FAILED && (unsigned long)low < 1ul << 32);
    char *huge = mmap(0, 1ul << 36, PROT_NONE, ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(huge != MAP_FAILED && mprotect(huge + (1ul << 35), 4096, RW) == 0);
    huge[1ul << 35] = 1;
    CHECK(munmap(huge, 1ul << 36) == 0);
    puts("ok");
    return 0;
}
