/* Tests: SIGCHLD: SA_NOCLDSTOP, SA_NOCLDWAIT, ignoring it, one signal for many children, waitid's answers,
 * a child's signals and masks after fork, vfork and exec, and pending ones that are not inherited.
 * Expected: status 0, prints relations. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int count, last_code;
static void handler(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    count++;
    last_code = info->si_code;
}

static void child_action(int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART | flags};
    sigaction(SIGCHLD, &action, 0);
    count = 0;
}

static void await(int wanted)
{
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &old);
    while (count < wanted)
        sigsuspend(&old);
    sigprocmask(SIG_SETMASK, &old, 0);
}

static pid_t stopping(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGSTOP);
        _exit(4);
    }
    return pid;
}

int main(int argc, char **argv)
{
    int status;
    siginfo_t info;
    sigset_t set, pending;
    if (argc > 1) {
        unsigned long mask = 0, ignored = 0;
        syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8);
        for (int number = 1; number < 65; number++) {
            struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } raw;
            syscall(SYS_rt_sigaction, number, 0, &raw, 8);
            ignored |= (unsigned long)(raw.handler == SIG_IGN) << (number - 1);
            if (raw.handler != SIG_IGN && raw.handler != SIG_DFL)
                printf("a handler is left for %d\n", number);
        }
        sigpending(&pending);
        printf("%s: mask %lx ignored %lx pending %d %d %d\n", argv[1], mask, ignored, sigismember(&pending, SIGUSR1),
               sigismember(&pending, SIGSEGV), sigismember(&pending, SIGFPE));
        return 0;
    }
    setvbuf(stdout, 0, _IOLBF, 0);
    child_action(0);
    pid_t pid = stopping();
    await(1);
    printf("stopped %d\n", last_code == CLD_STOPPED);
    waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT);
    printf("%d %d %d\n", info.si_code, info.si_status, info.si_signo);
    count = 0;
    kill(pid, SIGKILL);
    await(1);
    waitpid(pid, &status, 0);
    printf("killed %d %d\n", last_code == CLD_KILLED, WTERMSIG(status));
    child_action(SA_NOCLDSTOP);
    pid = stopping();
    waitpid(pid, &status, WUNTRACED);
    printf("quiet %d %d\n", count, WIFSTOPPED(status));
    kill(pid, SIGCONT);
    waitpid(pid, &status, 0);
    printf("ended %d %d\n", count, WEXITSTATUS(status));
    child_action(SA_NOCLDWAIT);
    if (fork() == 0)
        _exit(1);
    int waited = waitpid(-1, &status, 0);
    printf("no wait %d %d %d\n", waited, errno == ECHILD, count);
    child_action(0);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, 0);
    for (int i = 0; i < 20; i++)
        if (fork() == 0)
            _exit(i);
    for (int i = 0; i < 20; i++)
        waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);
    sigpending(&pending);
    printf("pending %d\n", sigismember(&pending, SIGCHLD));
    int sum = 0, reaped = 0;
    while (waitpid(-1, &status, 0) > 0)
        sum += WEXITSTATUS(status), reaped++;
    sigprocmask(SIG_UNBLOCK, &set, 0);
    printf("one for many %d %d %d\n", count, reaped, sum);
    signal(SIGCHLD, SIG_DFL);
    /* Pending signals belong to a process: not to its children, but to the next program. */
    sigfillset(&set);
    sigdelset(&set, SIGTERM);
    sigprocmask(SIG_SETMASK, &set, 0);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGFPE, SIG_IGN);
    signal(SIGILL, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    raise(SIGUSR1);
    kill(getpid(), SIGSEGV);
    raise(SIGFPE);
    static char *words[] = {"/proc/self/exe", "fork", 0};
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        sigpending(&pending);
        printf("forked %d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGSEGV));
        execv(words[0], words);
        _exit(9);
    }
    waitpid(pid, &status, 0);
    printf("%d\n", status);
    words[1] = "vfork";
    pid = vfork();
    if (pid == 0) {
        execv(words[0], words);
        _exit(9);
    }
    waitpid(pid, &status, 0);
    printf("%d\n", status);
    fflush(stdout);
    words[1] = "exec";
    (void)argv;
    execv(words[0], words);
    return 1;
}
