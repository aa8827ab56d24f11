/* Tests: dispositions without a handler: SIG_IGN, blocked and pending signals, sigwaitinfo, signalfd,
 * SIG_IGN survives exec, SIGCHLD ignored reaps children. Expected: status 0, prints relations. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sigaction action;
    sigset_t set, pending;
    siginfo_t info;
    if (argc > 1) { /* after exec */
        sigaction(SIGUSR1, 0, &action);
        sigprocmask(SIG_BLOCK, 0, &set);
        printf("%d %d\n", action.sa_handler == SIG_IGN, sigismember(&set, SIGUSR2));
        return 0;
    }
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, 0);
    raise(SIGUSR2);
    sigpending(&pending);
    printf("%d %d\n", sigismember(&pending, SIGUSR2), sigismember(&pending, SIGUSR1));
    printf("%d %d\n", sigwaitinfo(&set, &info) == SIGUSR2, info.si_pid == getpid());
    int fd = signalfd(-1, &set, 0);
    struct signalfd_siginfo record;
    kill(getpid(), SIGUSR2);
    printf("%d %d\n", read(fd, &record, sizeof record) == sizeof record, record.ssi_signo == SIGUSR2);
    signal(SIGCHLD, SIG_IGN);
    if (fork() == 0)
        _exit(1);
    int waited = wait(0);
    printf("%d %d\n", waited, errno == ECHILD);
    fflush(stdout);
    execl("/proc/self/exe", argv[0], "again", (char *)0);
    return 1;
}
