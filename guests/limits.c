/* Tests: what a program sees of itself: pid and parent relations, uname, cwd, umask, rlimits,
 * descriptors (only 0, 1 and 2 are open at the start), personality, prctl name.
 * Expected: status 0, prints them. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

int main(void)
{
    struct utsname name;
    struct rlimit limit;
    char comm[16];
    uname(&name);
    printf("%s %s\n", name.sysname, name.machine);
    printf("%d %d\n", getpid() == (int)syscall(SYS_gettid), getppid() > 0);
    getrlimit(RLIMIT_STACK, &limit);
    printf("stack %lu\n", (unsigned long)limit.rlim_cur);
    getrlimit(RLIMIT_NOFILE, &limit);
    printf("files %lu\n", (unsigned long)limit.rlim_cur);
    printf("umask %o personality %x\n", umask(0), (unsigned)personality(0xffffffff));
    prctl(PR_SET_NAME, "renamed");
    prctl(PR_GET_NAME, comm);
    printf("%s\n", comm);
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;
    int low = 0;
    while ((entry = readdir(directory)))
        low += atoi(entry->d_name) < 100 && entry->d_name[0] != '.';
    printf("descriptors below 100: %d\n", low - 1);
    return 0;
}
