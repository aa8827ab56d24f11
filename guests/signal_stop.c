/* Tests: a child stops itself and is continued: WIFSTOPPED, WIFCONTINUED, then its exit status.
 * Expected: status 0, prints "19 1 6". */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        raise(SIGSTOP);
        _exit(6);
    }
    waitpid(child, &status, WUNTRACED);
    printf("%d ", WIFSTOPPED(status) ? WSTOPSIG(status) : -1);
    kill(child, SIGCONT);
    waitpid(child, &status, WCONTINUED);
    printf("%d ", WIFCONTINUED(status) != 0);
    waitpid(child, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
    return 0;
}
