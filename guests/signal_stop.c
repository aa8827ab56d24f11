/* Tests: a child stops itself and is continued: WIFSTOPPED, WIFCONTINUED, then its exit status.
 * Expected: status 0, prints "19 1 6". */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int status, fds[2];
    char byte;
    if (pipe(fds))
        return 1;
    pid_t child = fork();
    if (child == 0) {
        raise(SIGSTOP);
        _exit(read(fds[0], &byte, 1) == 1 ? 6 : 7); /* not before the parent saw it continue */
    }
    waitpid(child, &status, WUNTRACED);
    printf("%d ", WIFSTOPPED(status) ? WSTOPSIG(status) : -1);
    kill(child, SIGCONT);
    waitpid(child, &status, WCONTINUED);
    printf("%d ", WIFCONTINUED(status) != 0);
    if (write(fds[1], "x", 1) != 1)
        return 2;
    waitpid(child, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
    return 0;
}
