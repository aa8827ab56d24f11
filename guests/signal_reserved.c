/* Tests: the real-time signals that libraries keep for themselves, by raw system calls, beside an ordinary one: they
 * queue, in order, blocked or not, for a wait, a signalfd, a handler; ignored, inherited, deadly; while a call
 * sleeps, for a thread and for the process. Expected: status 0, prints relations. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } raw_action;
static const int numbers[] = {32, 33, 34, 64};
static volatile int values[64], count;
static void *restorer;

static void handler(int number, siginfo_t *info, void *context)
{
    (void)context;
    values[count++ & 63] = number * 1000 + info->si_value.sival_int;
}

static void act(int number, void *what)
{
    raw_action action = {what, SA_SIGINFO | 0x04000000, restorer, 0};
    syscall(SYS_rt_sigaction, number, &action, 0, 8);
}

static void mask(int how, unsigned long set)
{
    syscall(SYS_rt_sigprocmask, how, &set, 0, 8);
}

static void queue(int number, int value, int to_thread)
{
    siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_value.sival_int = value;
    if (to_thread)
        syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), number, &info);
    else
        syscall(SYS_rt_sigqueueinfo, getpid(), number, &info);
}

static void show(const char *what)
{
    printf(" %s", what);
    for (int i = 0; i < count; i++)
        printf(" %d", values[i]);
    count = 0;
}

static int wait_for(unsigned long set, siginfo_t *info)
{
    struct timespec none = {0, 0};
    return (int)syscall(SYS_rt_sigtimedwait, &set, info, &none, 8);
}

static int status_of(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void *taker(void *argument)
{
    mask(SIG_UNBLOCK, *(unsigned long *)argument);
    return 0;
}

static int after_exec(int number)
{
    unsigned long set = 1ul << (number - 1), pending = 0;
    siginfo_t info;
    syscall(SYS_rt_sigpending, &pending, 8);
    printf("%d after exec: %d", number, pending == set);
    while (wait_for(set, &info) == number)
        printf(" %d", info.si_value.sival_int);
    raw_action action;
    syscall(SYS_rt_sigaction, 32, 0, &action, 8);
    printf(" ignored %d\n", action.handler == SIG_IGN);
    return 0;
}

int main(int argc, char **argv)
{
    struct sigaction ordinary = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    raw_action raw;
    siginfo_t info;
    if (argc > 1)
        return after_exec(atoi(argv[1]));
    setvbuf(stdout, 0, _IOFBF, 1 << 16);
    sigaction(SIGUSR1, &ordinary, 0);
    syscall(SYS_rt_sigaction, SIGUSR1, 0, &raw, 8);
    restorer = raw.restorer;
    for (unsigned at = 0; at < 4; at++) {
        int number = numbers[at];
        unsigned long set = 1ul << (number - 1), usr1 = 1ul << (SIGUSR1 - 1), pending;
        printf("%d:", number);
        act(number, handler);
        for (int i = 0; i < 3; i++)
            queue(number, i, i & 1);
        show("at once");
        for (int to_thread = 0; to_thread < 2; to_thread++) {
            mask(SIG_BLOCK, set | usr1);
            for (int i = 0; i < 20; i++)
                queue(number, i, to_thread);
            queue(SIGUSR1, 100, 1);
            syscall(SYS_rt_sigpending, &pending, 8);
            printf(" pending %d", (pending & set) != 0);
            for (int i = 0; i < 5; i++) {
                int got = wait_for(set | usr1, &info);
                printf(" %d/%d", got, info.si_value.sival_int);
            }
            mask(SIG_UNBLOCK, set);
            show("then");
            mask(SIG_UNBLOCK, usr1);
            show("last");
        }
        mask(SIG_BLOCK, set);
        int fd = (int)syscall(SYS_signalfd4, -1, &set, 8, SFD_NONBLOCK);
        struct signalfd_siginfo record[8];
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        printf(" ready %d", poll(&polled, 1, 0));
        for (int i = 0; i < 3; i++)
            queue(number, 7, 0);
        printf(" ready %d", poll(&polled, 1, 0));
        long size = read(fd, record, sizeof record);
        printf(" read %ld of %u", size / (long)sizeof record[0], record[0].ssi_signo);
        printf(" ready %d", poll(&polled, 1, 0));
        close(fd);
        pid_t child = fork();
        if (child == 0) {
            poll(0, 0, 5);
            for (int i = 0; i < 3; i++)
                kill(getppid(), number);
            _exit(0);
        }
        struct timespec little = {0, 30000000};
        printf(" slept %d", nanosleep(&little, 0));
        printf(" %d", status_of(child));
        int times = 0;
        while (wait_for(set, &info) == number)
            times += info.si_code == SI_USER && info.si_pid == child;
        printf(" kills %d", times);
        for (int i = 0; i < 4; i++) {
            info = (siginfo_t){.si_signo = number, .si_code = SI_QUEUE};
            kill(getpid(), number);
        }
        pthread_t thread;
        pthread_create(&thread, 0, taker, &set);
        pthread_join(thread, 0);
        printf(" by another thread %d", count);
        count = 0;
        for (int i = 0; i < 4; i++)
            queue(number, i, 0);
        fflush(stdout);
        child = fork();
        if (child == 0) {
            printf(" child has %d", wait_for(set, &info));
            mask(SIG_UNBLOCK, set);
            queue(number, 9, 0);
            show("child");
            act(number, SIG_DFL);
            fflush(stdout);
            kill(getpid(), number);
            _exit(0);
        }
        printf(" died %d", status_of(child));
        act(number, SIG_IGN);
        act(number, handler);
        mask(SIG_UNBLOCK, set);
        printf(" forgotten %d", count);
        act(number, SIG_IGN);
        queue(number, 1, 1);
        child = fork();
        if (child == 0) {
            poll(0, 0, 5);
            kill(getppid(), number);
            _exit(0);
        }
        printf(" ignored %d", nanosleep(&little, 0));
        printf(" %d\n", status_of(child));
        act(number, SIG_DFL);
    }
    act(32, SIG_IGN);
    mask(SIG_BLOCK, 1ul << 32);
    for (int i = 0; i < 4; i++)
        queue(33, i, 1);
    fflush(stdout);
    execl("/proc/self/exe", argv[0], "33", (char *)0);
    return 1;
}
