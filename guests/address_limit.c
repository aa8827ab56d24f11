/* Tests: RLIMIT_AS and RLIMIT_DATA lowered by the program itself: mmap, brk, mremap and a thread's stack
 * fail beyond it and work below, the limit reads as it was set, here and in children.
 * Expected: status 0, prints what it got. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1ul << 20)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

static unsigned long room_mib(void)
{
    unsigned long count = 0;
    void *pieces[400];
    while (count < 400 && (pieces[count] = mmap(0, MIB, RW, ANONYMOUS, -1, 0)) != MAP_FAILED)
        count++;
    int error = errno;
    for (unsigned long i = 0; i < count; i++)
        munmap(pieces[i], MIB);
    errno = error;
    return count;
}

static void show(int what)
{
    struct rlimit limit;
    getrlimit(what, &limit);
    printf("%lu %lu\n", (unsigned long)limit.rlim_cur / MIB, (unsigned long)limit.rlim_max / MIB);
}

static unsigned long used_bytes(void)
{
    unsigned long start, end, sum = 0;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx", &start, &end) == 2 && !strstr(line, "[v"))
            sum += end - start;
    fclose(maps);
    return sum;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        show(RLIMIT_AS);
        return 0;
    }
    (void)argv;
    setvbuf(stdout, 0, _IONBF, 0);
    unsigned long used = used_bytes();
    struct rlimit limit = {(used / MIB + 51) * MIB, RLIM_INFINITY};
    printf("set %d\n", setrlimit(RLIMIT_AS, &limit));
    struct rlimit now;
    getrlimit(RLIMIT_AS, &now);
    printf("reads back %d\n", now.rlim_cur == limit.rlim_cur && now.rlim_max == RLIM_INFINITY);
    unsigned long room = room_mib();
    printf("about 50: %d, %s\n", room >= 48 && room <= 51, strerror(errno));
    printf("too large: %d\n", mmap(0, 200 * MIB, RW, ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
    char *grown = mmap(0, MIB, RW, ANONYMOUS, -1, 0);
    printf("grows: %d\n", mremap(grown, MIB, 100 * MIB, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM);
    printf("break: %d\n", sbrk(100 << 20) == (void *)-1 && errno == ENOMEM);
    pid_t child = fork();
    if (child == 0) {
        room = room_mib();
        _exit(room >= 47 && room <= 51 ? 0 : (int)room);
    }
    int status;
    waitpid(child, &status, 0);
    printf("child %d\n", status);
    limit.rlim_cur = 600 * MIB;
    limit.rlim_max = 700 * MIB;
    printf("raised %d\n", setrlimit(RLIMIT_AS, &limit));
    show(RLIMIT_AS);
    fflush(stdout);
    if ((child = fork()) == 0) {
        execl("/proc/self/exe", "self", "child", (char *)0);
        _exit(1);
    }
    waitpid(child, &status, 0);
    printf("child %d\n", status);
    return 0;
}
