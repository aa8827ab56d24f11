/* Tests: mremap in its forms with code in the mapping that moves: shrink and grow in place, over several
 * mappings, onto code, duplicates of shared memory (old size 0), MREMAP_DONTUNMAP, failures. What ran
 * before never runs again where it is gone. Expected: status 0, prints "ok" or the failed check. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) { printf("line %d errno %d\n", __LINE__, errno); return 1; } } while (0)
#define RX (PROT_READ | PROT_EXEC)
#define RWX (RX | PROT_WRITE)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define PAGE 4096ul

static unsigned run(void *page) { return ((unsigned (*)(void))page)(); }

static void put(char *page, char number)
{
    memcpy(page, "\xb8\0\0\0\0\xc3", 6);
    page[1] = number;
}

static int child_signal(void *page)
{
    pid_t child = fork();
    int status = 0;
    if (child == 0)
        _exit((int)run(page));
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

int main(void)
{
    char *area = mmap(0, 64 * PAGE, PROT_NONE, ANONYMOUS, -1, 0);
    CHECK(mmap(area, 8 * PAGE, RWX, ANONYMOUS | MAP_FIXED, -1, 0) == area);
    for (int i = 0; i < 8; i++)
        put(area + i * PAGE, (char)i);
    for (int i = 0; i < 8; i++)
        CHECK(run(area + i * PAGE) == (unsigned)i);
    /* Permissions differ page by page; only the last three pages go. */
    CHECK(mprotect(area, PAGE, RX) == 0 && mprotect(area + 2 * PAGE, PAGE, PROT_READ) == 0);
    CHECK(mremap(area, 8 * PAGE, 5 * PAGE, 0) == area);
    CHECK(run(area) == 0 && run(area + PAGE) == 1 && child_signal(area + 2 * PAGE) == 11);
    CHECK(run(area + 4 * PAGE) == 4 && child_signal(area + 5 * PAGE) == 11);
    put(area + PAGE, 21);
    CHECK(run(area + PAGE) == 21);
    CHECK(mprotect(area, 5 * PAGE, RWX) == 0 && munmap(area + 5 * PAGE, 59 * PAGE) == 0);
    CHECK(mremap(area, 5 * PAGE, 20 * PAGE, 0) == area && child_signal(area + 5 * PAGE) == 11); /* zero bytes */
    put(area + 19 * PAGE, 19);
    CHECK(run(area + 19 * PAGE) == 19 && run(area + 4 * PAGE) == 4);
    /* Onto other code, which must be gone; back with the first address reused. */
    char *other = mmap(0, 20 * PAGE, RWX, ANONYMOUS, -1, 0);
    put(other, 50);
    put(other + PAGE, 51);
    CHECK(run(other) == 50 && run(other + PAGE) == 51);
    CHECK(mremap(area, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other) == other);
    CHECK(run(other) == 0 && run(other + PAGE) == 51 && child_signal(area) == 11);
    CHECK(mmap(area, PAGE, RWX, ANONYMOUS | MAP_FIXED, -1, 0) == area);
    put(area, 60);
    CHECK(run(area) == 60);
    /* The mapping stays and is empty. */
    char *kept = mremap(other, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
    CHECK(kept != MAP_FAILED && run(kept) == 0 && other[0] == 0 && child_signal(other) == 11);
    put(other, 61);
    CHECK(run(other) == 61 && run(kept) == 0);
    /* A second view of shared memory. */
    char *shared = mmap(0, 2 * PAGE, RWX, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    put(shared, 70);
    char *view = mremap(shared, 0, 2 * PAGE, MREMAP_MAYMOVE);
    CHECK(view != MAP_FAILED && run(view) == 70 && run(shared) == 70);
    put(view, 71);
    CHECK(run(shared) == 71 && run(view) == 71);
    put(shared, 72);
    CHECK(run(view) == 72 && run(shared) == 72);
    /* Refusals leave everything as it is. */
    CHECK(mremap(area, PAGE, 0, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(area + 1, PAGE, PAGE, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap((char *)PAGE, PAGE, PAGE, 0) == MAP_FAILED && errno == EFAULT);
    CHECK(mremap(area, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(area, PAGE, 1ul << 46, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM);
    CHECK(run(area) == 60 && run(other) == 61);
    /* Moving over and over, each time other code. */
    char *one = mmap(0, PAGE, RWX, ANONYMOUS, -1, 0), *two = mmap(0, PAGE, RWX, ANONYMOUS, -1, 0);
    for (int i = 0; i < 100; i++) {
        put(one, (char)i);
        CHECK(run(one) == (unsigned)i);
        CHECK(mremap(one, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, two) == two && run(two) == (unsigned)i);
        char *swap = one;
        one = two;
        two = swap;
    }
    puts("ok");
    return 0;
}
