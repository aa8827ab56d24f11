/* Tests: a private mapping of a file, never stored to, shows what a child writes into the file.
 * Expected: status 0, prints "ok" or the number of the failed check. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition) do { if (!(condition)) { printf("line %d errno %d\n", __LINE__, errno); return 1; } } while (0)

int main(void)
{
    int file = memfd_create("file", 0), status = -1;
    CHECK(ftruncate(file, 4096) == 0);
    const volatile char *page = mmap(0, 4096, PROT_READ, MAP_PRIVATE, file, 0);
    CHECK(page[0] == 0);
    pid_t child = fork();
    if (child == 0)
        _exit(pwrite(file, "c", 1, 0) != 1);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(page[0] == 'c');
    puts("ok");
    return 0;
}
