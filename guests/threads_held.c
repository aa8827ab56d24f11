/* Tests: signals of faults sent to the process while every thread blocks them, and one waits: in sigtimedwait, in
 * a read of a signalfd, polling one, in sigsuspend. It gets them, as they were sent, though another thread runs
 * and a third sleeps elsewhere. Expected: status 0, prints counts. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { WAIT, READ, POLL, PPOLL, SELECT, EPOLL, EPOLL_PWAIT, SUSPEND, WAYS };
static const char *const names[] = {"sigtimedwait", "read", "poll", "ppoll", "select", "epoll",
                                    "epoll_pwait", "sigsuspend"};
static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL};
static volatile int way, ready, got, wrong, handled, rounds;
static int idle[2];
static sigset_t faults;

static void handler(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    handled = info->si_code == SI_USER && info->si_pid == getpid() ? 1 : 2;
}

static int read_record(int fd, int number)
{
    struct signalfd_siginfo record = {0};
    return read(fd, &record, sizeof record) == sizeof record && record.ssi_signo == (unsigned)number &&
           record.ssi_code == SI_USER && record.ssi_pid == (unsigned)getpid();
}

static int await(int fd, int poller, int number)
{
    struct timespec lot = {20, 0};
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    struct epoll_event event;
    fd_set readable;
    siginfo_t info = {0};
    sigset_t mask = faults;
    FD_ZERO(&readable);
    FD_SET(fd, &readable);
    switch (way) {
    case WAIT:
        return sigtimedwait(&faults, &info, &lot) == number && info.si_code == SI_USER &&
               info.si_pid == getpid();
    case READ: return read_record(fd, number);
    case POLL: return poll(&polled, 1, 20000) == 1 && read_record(fd, number);
    case PPOLL: return ppoll(&polled, 1, &lot, &mask) == 1 && read_record(fd, number);
    case SELECT: return select(fd + 1, &readable, 0, 0, 0) == 1 && read_record(fd, number);
    case EPOLL: return epoll_wait(poller, &event, 1, 20000) == 1 && read_record(fd, number);
    case EPOLL_PWAIT: return epoll_pwait(poller, &event, 1, 20000, &mask) == 1 && read_record(fd, number);
    default:
        handled = 0;
        sigdelset(&mask, number);
        return sigsuspend(&mask) == -1 && errno == EINTR && handled == 1;
    }
}

static void *waiter(void *argument)
{
    int fd = signalfd(-1, &faults, 0), poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    (void)argument;
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    for (;;) {
        int round = rounds;
        ready = 1;
        wrong += !await(fd, poller, numbers[round % 3]);
        got++;
        while (rounds == round)
            ;
        if (rounds < 0)
            return 0;
    }
}

/* Sleeps, and is woken neither by the signals nor before the end. */
static void *sleeper(void *argument)
{
    struct pollfd polled = {.fd = idle[0], .events = POLLIN};
    (void)argument;
    return (void *)(long)poll(&polled, 1, -1);
}

int main(int argc, char **argv)
{
    int most = argc > 1 ? atoi(argv[1]) : 60;
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    pthread_t thread, other;
    void *result;
    sigemptyset(&faults);
    for (int i = 0; i < 3; i++) {
        sigaddset(&faults, numbers[i]);
        sigaction(numbers[i], &action, 0);
    }
    sigprocmask(SIG_BLOCK, &faults, 0);
    alarm(120);
    if (pipe(idle) || pthread_create(&other, 0, sleeper, 0))
        return 1;
    for (way = 0; way < WAYS; way++) {
        rounds = 0;
        ready = got = wrong = 0;
        if (pthread_create(&thread, 0, waiter, 0))
            return 1;
        for (int i = 0; i < most; i++) {
            while (!ready)
                ;
            ready = 0;
            for (volatile int spin = 0; spin < i * 977 % 20000; spin++)
                ;
            kill(getpid(), numbers[i % 3]);
            while (got == i)
                ;
            rounds = i + 1 < most ? i + 1 : -1;
        }
        pthread_join(thread, 0);
        printf("%s %d of %d\n", names[way], got - wrong, most);
    }
    (void)!write(idle[1], "x", 1);
    pthread_join(other, &result);
    printf("slept %ld\n", (long)result);
    return 0;
}
