/* Tests: the signals of faults as ordinary ones: sent while blocked or ignored, to a sigtimedwait, a
 * signalfd, a sigsuspend, to a signalfd across exec; and faults while their signal is blocked or ignored, or raised again with
 * the code of a fault, which kill. Expected: status 0, prints relations. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int numbers[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV};
static volatile int handled, code, value;

static void handler(int number, siginfo_t *info, void *context)
{
    (void)context;
    handled = number;
    code = info->si_code;
    value = info->si_code == SI_QUEUE ? info->si_value.sival_int : 0;
}

static void fault(int number)
{
    switch (number) {
    case SIGILL: __asm__ volatile("ud2"); break;
    case SIGTRAP: __asm__ volatile("int3"); break;
    case SIGFPE: __asm__ volatile("xor %%ecx, %%ecx\n idivl %%ecx" : : : "rax", "rcx", "rdx"); break;
    case SIGSEGV: __asm__ volatile("xor %%ecx, %%ecx\n mov (%%rcx), %%ecx" : : : "rcx"); break;
    default: break;
    }
}

static void again(int number, siginfo_t *info, void *context)
{
    (void)context;
    signal(number, SIG_DFL);
    syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), number, info); /* dies of it when it returns */
}

static void child(const char *what, int number, int how)
{
    int status;
    sigset_t set;
    struct sigaction action = {.sa_sigaction = again, .sa_flags = SA_SIGINFO};
    fflush(stdout);
    if (fork() == 0) {
        sigemptyset(&set);
        sigaddset(&set, number);
        if (how == 0)
            sigprocmask(SIG_BLOCK, &set, 0);
        else if (how == 1)
            signal(number, SIG_IGN);
        else
            sigaction(number, &action, 0);
        fault(number);
        _exit(0);
    }
    wait(&status);
    printf(" %s %d", what, WIFSIGNALED(status) ? WTERMSIG(status) : -1);
}

/* The descriptor and the mask come from before exec. */
static int read_inherited(int fd)
{
    struct signalfd_siginfo record;
    kill(getpid(), SIGSEGV);
    long size = read(fd, &record, sizeof record);
    printf("inherited %d %d %d\n", size == sizeof record, record.ssi_signo == SIGSEGV,
           record.ssi_pid == (unsigned)getpid());
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return read_inherited(atoi(argv[1]));
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct timespec second = {20, 0}, none = {0, 0};
    for (unsigned i = 0; i < 5; i++) {
        int number = numbers[i];
        sigset_t set, old, pending;
        siginfo_t info;
        union sigval sent = {.sival_int = 100 + number};
        sigemptyset(&set);
        sigaddset(&set, number);
        sigaction(number, &action, 0);
        sigprocmask(SIG_BLOCK, &set, &old);
        handled = 0;
        kill(getpid(), number);
        kill(getpid(), number);
        sigpending(&pending);
        printf("%d: pending %d handled %d", number, sigismember(&pending, number), handled);
        sigprocmask(SIG_SETMASK, &old, 0);
        printf(" then %d code %d", handled, code);
        handled = 0;
        sigprocmask(SIG_BLOCK, &set, &old);
        sigqueue(getpid(), number, sent);
        int got = sigtimedwait(&set, &info, &second);
        printf(" waited %d %d", got, info.si_value.sival_int);
        got = sigtimedwait(&set, &info, &none);
        printf(" no more %d %d", got, errno == EAGAIN);
        pid_t pid = fork();
        if (pid == 0) {
            poll(0, 0, 20);
            sigqueue(getppid(), number, sent);
            _exit(0);
        }
        got = sigtimedwait(&set, &info, &second);
        printf(" from another %d %d", got, info.si_value.sival_int);
        waitpid(pid, 0, 0);
        int fd = signalfd(-1, &set, SFD_CLOEXEC);
        struct signalfd_siginfo record;
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        sigqueue(getpid(), number, sent);
        printf(" polled %d", poll(&polled, 1, 0));
        long size = read(fd, &record, sizeof record);
        printf(" read %d %d %d", size == sizeof record, record.ssi_signo == (unsigned)number, record.ssi_int);
        printf(" polled %d", poll(&polled, 1, 0));
        pid = fork();
        if (pid == 0) {
            poll(0, 0, 20);
            sigqueue(getppid(), number, sent);
            _exit(0);
        }
        got = poll(&polled, 1, 20000);
        size = read(fd, &record, sizeof record);
        printf(" polled %d read %d", got, size == sizeof record);
        waitpid(pid, 0, 0);
        close(fd);
        sigqueue(getpid(), number, sent);
        printf(" handled %d", handled);
        got = sigsuspend(&old);
        printf(" suspended %d %d %d", got, handled, value);
        handled = 0;
        kill(getpid(), number);
        signal(number, SIG_IGN);
        sigaction(number, &action, 0);
        sigprocmask(SIG_SETMASK, &old, 0);
        printf(" forgotten %d", handled);
        signal(number, SIG_IGN);
        kill(getpid(), number);
        pid = fork();
        if (pid == 0) {
            poll(0, 0, 10);
            kill(getppid(), number);
            _exit(0);
        }
        printf(" ignored %d", waitpid(pid, 0, 0) == pid);
        signal(number, SIG_DFL);
        if (number != SIGBUS) {
            child("blocked", number, 0);
            child("ignored", number, 1);
            child("again", number, 2);
        }
        printf("\n");
    }
    sigset_t segv;
    char number[16];
    sigemptyset(&segv);
    sigaddset(&segv, SIGSEGV);
    sigprocmask(SIG_BLOCK, &segv, 0);
    snprintf(number, sizeof number, "%d", signalfd(-1, &segv, 0));
    fflush(stdout);
    execl("/proc/self/exe", argv[0], number, (char *)0);
    return 1;
}
