/* Tests: MAP_GROWSDOWN and MAP_STACK mappings: grown by touching, code run in the part that grew, what
 * /proc/self/maps says of it, mprotect with PROT_GROWSDOWN, a fault beyond a neighbour.
 * Expected: status 0, prints "ok" or the number of the failed check. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) { printf("line %d errno %d\n", __LINE__, errno); return 1; } } while (0)
#define RW (PROT_READ | PROT_WRITE)
#define RWX (RW | PROT_EXEC)

static unsigned run(void *page) { return ((unsigned (*)(void))page)(); }

static void put(char *page, char number)
{
    memcpy(page, "\xb8\0\0\0\0\xc3", 6);
    page[1] = number;
}

static unsigned long start_of(const char *page, char *permissions)
{
    char line[512];
    unsigned long start, end, found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &start, &end, permissions) == 3 &&
            start <= (unsigned long)page && (unsigned long)page < end) {
            found = start;
            break;
        }
    fclose(maps);
    return found;
}

static int child_signal(char *page, int is_code)
{
    pid_t child = fork();
    int status = 0;
    if (child == 0)
        _exit(is_code ? (int)run(page) : (*(volatile char *)page = 1));
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

int main(void)
{
    char permissions[8];
    char *area = mmap(0, 4 << 20, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(area != MAP_FAILED && munmap(area + 4096, (4 << 20) - 4096) == 0);
    char *top = area + (4 << 20) - 16384;
    CHECK(mmap(top, 16384, RWX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0) == top);
    put(top, 5);
    CHECK(run(top) == 5);
    for (int page = 1; page <= 100; page++)
        put(top - page * 4096, (char)page);
    for (int page = 1; page <= 100; page++)
        CHECK(run(top - page * 4096) == (unsigned)page);
    CHECK(start_of(top - 100 * 4096, permissions) == (unsigned long)top - 100 * 4096 && !strcmp(permissions, "rwxp"));
    put(top - 50 * 4096, 7);
    CHECK(run(top - 50 * 4096) == 7);
    CHECK(mprotect(top + 4096, 4096, PROT_READ) == 0);
    CHECK(mprotect(top, 4096, RW | PROT_GROWSDOWN) == 0);
    CHECK(child_signal(top - 60 * 4096, 1) == 11);
    CHECK(mprotect(top, 4096, RWX | PROT_GROWSDOWN) == 0 && run(top - 60 * 4096) == 60);
    CHECK(mprotect(top + 8192, 4096, RWX | PROT_GROWSUP) == -1 && errno == EINVAL);
    CHECK(munmap(top - 60 * 4096, 4096) == 0 && child_signal(top - 60 * 4096, 1) == 11);
    for (int page = 101; page <= 200; page++)
        put(top - page * 4096, (char)(page - 100)); /* not run before there are holes above it */
    CHECK(munmap(top - 150 * 4096, 4096) == 0 && run(top - 190 * 4096) == 90);
    CHECK(mmap(top - 130 * 4096, 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == top - 130 * 4096);
    CHECK(run(top - 140 * 4096) == 40 && run(top - 120 * 4096) == 20);
    CHECK(child_signal(top - 130 * 4096, 1) == 11 && child_signal(top - 150 * 4096, 1) == 11);
    CHECK(child_signal(area + 8192, 0) == 11); /* within the guard gap of the page at area */
    char *stack = mmap(0, 65536, RWX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    put(stack + 60000, 8);
    CHECK(run(stack + 60000) == 8);
    puts("ok");
    return 0;
}
