/* Tests: queueing: real-time signals with their values in order, standard ones once; which comes first
 * when many are unblocked at once; sigpending, sigtimedwait and signalfd take them in the same order.
 * Expected: status 0, prints every delivery, the same on every machine. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static int log_number[1000], log_value[1000];
static volatile int logged;
static volatile int depth;

static void handler(int number, siginfo_t *info, void *context)
{
    (void)context;
    log_number[logged] = number;
    log_value[logged++] = info->si_code == SI_QUEUE ? info->si_value.sival_int : -1;
    depth++;
}

static void show(const char *what)
{
    printf("%s:", what);
    for (int i = 0; i < logged; i++)
        printf(" %d=%d", log_number[i], log_value[i]);
    printf("\n");
    logged = 0;
}

static const int numbers[] = {SIGUSR2, SIGTERM, SIGUSR1, SIGHUP, SIGCHLD, SIGIO};

static void send_all(void)
{
    union sigval value;
    for (int round = 0; round < 3; round++) {
        for (int number = SIGRTMAX; number >= SIGRTMIN; number -= 7) {
            value.sival_int = number * 10 + round;
            sigqueue(getpid(), number, value);
        }
        for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            value.sival_int = numbers[i] * 10 + round;
            sigqueue(getpid(), numbers[i], value);
        }
        kill(getpid(), SIGRTMIN + 1);
        raise(SIGRTMIN + 1);
    }
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigset_t all, old, pending;
    siginfo_t info;
    struct timespec none = {0, 0}, little = {0, 2000000};
    for (int number = 1; number <= SIGRTMAX; number++)
        if (number < 32 || number >= SIGRTMIN)
            sigaction(number, &action, 0);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    send_all();
    sigpending(&pending);
    for (int number = 1; number <= 64; number++)
        printf("%d", sigismember(&pending, number) == 1);
    printf("\n");
    sigprocmask(SIG_SETMASK, &old, 0); /* frames on frames: the last one pushed runs first */
    show("unblocked");
    sigfillset(&action.sa_mask);
    for (int number = 1; number <= SIGRTMAX; number++)
        if (number < 32 || number >= SIGRTMIN)
            sigaction(number, &action, 0);
    sigprocmask(SIG_SETMASK, &all, &old);
    send_all();
    sigprocmask(SIG_SETMASK, &old, 0); /* one after the other */
    show("masked");
    sigprocmask(SIG_SETMASK, &all, &old);
    send_all();
    while (sigtimedwait(&all, &info, &none) > 0) {
        log_number[logged] = info.si_signo;
        log_value[logged++] = info.si_code == SI_QUEUE ? info.si_value.sival_int : -1;
    }
    show("waited");
    printf("%d %d\n", sigtimedwait(&all, &info, &little), errno == EAGAIN);
    send_all();
    int fd = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
    struct signalfd_siginfo records[5];
    for (long got; (got = read(fd, records, sizeof records)) > 0;)
        for (long i = 0; i < got / (long)sizeof *records; i++) {
            log_number[logged] = (int)records[i].ssi_signo;
            log_value[logged++] = records[i].ssi_code == SI_QUEUE ? (int)records[i].ssi_int : -1;
        }
    show("read");
    printf("%d\n", errno == EAGAIN);
    /* What is ignored meanwhile is forgotten, what is handled again is not. */
    send_all();
    signal(SIGUSR1, SIG_IGN);
    signal(SIGRTMAX, SIG_IGN);
    sigaction(SIGUSR1, &action, 0);
    sigaction(SIGRTMAX, &action, 0);
    sigprocmask(SIG_SETMASK, &old, 0);
    show("forgotten");
    return depth == 0;
}
