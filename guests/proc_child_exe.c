/* Tests: /proc/PID/exe of a child that has only just been forked. Expected: status 0, prints how many of the
 * links were right: all. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 200 };

int main(void)
{
    char own[4096] = "", link[4096], path[32];
    int right = 0;
    (void)!readlink("/proc/self/exe", own, sizeof own - 1);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD | (i & 1 ? CLONE_FILES : 0), 0, 0, 0, 0);
        if (child == 0)
            for (;;)
                pause();
        memset(link, 0, sizeof link);
        snprintf(path, sizeof path, "/proc/%d/exe", child);
        (void)!readlink(path, link, sizeof link - 1);
        right += strcmp(own, link) == 0;
        kill(child, SIGKILL);
        waitpid(child, 0, 0);
    }
    printf("%d\n", right);
    return 0;
}
