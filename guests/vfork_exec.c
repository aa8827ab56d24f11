/* Tests: vfork shares memory until exec or exit; posix_spawn, with file actions; a failing exec.
 * Expected: status 0, prints "42 7 1 127 spawned". */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(void)
{
    volatile int shared = 0;
    int status, fds[2];
    char text[64] = "";
    pid_t child = vfork();
    if (child == 0) {
        shared = 42;
        _exit(7);
    }
    waitpid(child, &status, 0);
    printf("%d %d ", shared, WEXITSTATUS(status));
    child = vfork();
    if (child == 0) {
        execl("/bin/false", "false", (char *)0);
        _exit(9);
    }
    waitpid(child, &status, 0);
    printf("%d ", WEXITSTATUS(status));
    child = vfork();
    if (child == 0) {
        execl("/nonexistent/program", "program", (char *)0);
        _exit(errno == ENOENT ? 127 : 1);
    }
    waitpid(child, &status, 0);
    printf("%d ", WEXITSTATUS(status));
    fflush(stdout);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (pipe2(fds, O_CLOEXEC))
        return 1;
    posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
    char *arguments[] = {"echo", "spawned", 0};
    if (posix_spawnp(&child, "echo", &actions, 0, arguments, environ))
        return 2;
    close(fds[1]);
    if (read(fds[0], text, sizeof text - 1) < 1)
        return 3;
    waitpid(child, &status, 0);
    fputs(text, stdout);
    return WEXITSTATUS(status);
}
