/* Tests: thousands of children one after another, forked and vforked: each answers, and the parent's
 * memory does not grow with their number.
 * Expected: status 0, prints "1200 forked, 3000 vforked, steady". */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static long resident_pages(void)
{
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%ld %ld", &size, &resident) != 2)
        exit(3);
    fclose(file);
    return resident;
}

static int answered(pid_t child)
{
    int status;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 7;
}

int main(void)
{
    int forked = 0, vforked = 0;
    for (int i = 0; i < 1200; i++) {
        pid_t child = fork();
        if (child == 0) {
            for (int call = 0; call < 8; call++)
                getppid();
            _exit(7);
        }
        forked += answered(child);
    }
    long before = resident_pages();
    for (int i = 0; i < 3000; i++) {
        pid_t child = vfork();
        if (child == 0)
            _exit(7);
        vforked += answered(child);
    }
    long grown = resident_pages() - before;
    printf("%d forked, %d vforked, %s\n", forked, vforked, grown < 1000 ? "steady" : "grown");
    return 0;
}
