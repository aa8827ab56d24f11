/* Tests: MAP_FIXED and MAP_FIXED_NOREPLACE all over the address space: lowest pages, between 2 and 4 GB,
 * beside the image, the break, the stack and the top; each place holds data and code, is replaced, and
 * is refused to NOREPLACE. Expected: status 0, prints "ok" or the number of the failed check. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(condition) \
    do { if (!(condition)) { printf("line %d place %lx errno %d\n", __LINE__, place, errno); return 1; } } while (0)
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

extern char etext;

static int use(unsigned long place, unsigned char number)
{
    unsigned char code[] = {0xb8, number, 0, 0, 0, 0xc3};
    memcpy((void *)place, code, sizeof code);
    return ((int (*)(void))place)();
}

int main(void)
{
    char local;
    unsigned long image = (unsigned long)&etext, stack = (unsigned long)&local;
    unsigned long places[] = {0x10000, 0x20000, 0x10000000, 0x68000000, 0x90000000, 0xffff0000,
        0x100000000, 0x100000000000, 0x2aaaaaaab000, 0x600000000000, 0x7e0000000000,
        (image & -4096ul) + (64ul << 20), (image & -4096ul) + (3ul << 30),
        (unsigned long)sbrk(0) / 4096 * 4096 + (512ul << 20), (stack & -4096ul) - (1ul << 40)};
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
        unsigned long place = places[i];
        void *page = (void *)place;
        CHECK(mmap(page, 8192, RWX, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == page);
        CHECK(use(place, (unsigned char)i) == (int)i && use(place + 4096, 77) == 77);
        CHECK(mmap(page, 4096, RWX, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST);
        CHECK(mmap(page, 4096, RWX, ANONYMOUS | MAP_FIXED, -1, 0) == page && *(int *)place == 0);
        CHECK(use(place, (unsigned char)(i + 100)) == (int)i + 100);
        CHECK(((int (*)(void))(place + 4096))() == 77);
    }
    unsigned long place = 0x8000; /* below vm.mmap_min_addr, which root may ignore */
    void *low = mmap((void *)place, 4096, RWX, ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(low == MAP_FAILED ? errno == EPERM : use(place, 9) == 9);
    for (int i = 0; i < 100; i++) {
        place = (unsigned long)mmap(0, 4096, RWX, ANONYMOUS | MAP_32BIT, -1, 0);
        CHECK(place < 1ul << 31 && use(place, (unsigned char)i) == i);
    }
    place = (unsigned long)&etext & -4096ul; /* the image itself is there to NOREPLACE */
    CHECK(mmap((void *)place, 4096, RWX, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST);
    place = 0x7ffffffff000; /* the end of user space */
    CHECK(mmap((void *)place, 4096, RWX, ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED && errno == ENOMEM);
    CHECK(munmap((void *)place, 4096) == -1 && errno == EINVAL);
    puts("ok");
    return 0;
}
