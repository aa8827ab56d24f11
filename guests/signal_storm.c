/* Tests: none of very many signals is lost: a fast timer against a busy and a blocked program, where deliveries
 * and overruns make up all expirations; queued values from another process, in order; and a wake-up
 * by a handler at every moment around a blocking call. Expected: status 0, prints "kind none lost". */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { INTERVAL_NS = 50000, PATIENCE = 100 };
static volatile long total, wanted, deliveries, written, least_behind = 1000000000, out_of_order;
static long start_ns;
static volatile int is_over;
static int fds[2], blocks;
static timer_t timer;

static long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

static void arm(long first_ns, long interval_ns, int flags)
{
    struct itimerspec when = {{0, interval_ns}, {first_ns / 1000000000, first_ns % 1000000000}};
    timer_settime(timer, flags, &when, 0);
}

/* A lost signal would leave the total behind what has expired for good; one that is late, only for now: on a
 * busy machine it takes longer until one is on time. */
static void tick(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    total += 1 + info->si_overrun;
    deliveries++;
    long behind = (now_ns() - start_ns) / INTERVAL_NS + 1 - total;
    if (total > wanted - wanted / 10 && labs(behind) < labs(least_behind))
        least_behind = behind;
    if (blocks && deliveries % 64 == 0)
        written += write(fds[1], "x", 1);
    if (total >= wanted && (least_behind == 0 || total >= PATIENCE * wanted)) {
        is_over = 1;
        arm(0, 0, 0);
        if (blocks)
            close(fds[1]); /* ends the reading */
    }
}

static int ticks(void)
{
    long got = 0;
    unsigned long sum = 1;
    char byte;
    start_ns = now_ns() + 1000000;
    arm(start_ns, INTERVAL_NS, TIMER_ABSTIME);
    if (blocks) {
        long result;
        while ((result = read(fds[0], &byte, 1)) == 1)
            got++;
        if (result != 0 || got != written) /* no EINTR, and no byte too few */
            return printf("read %ld of %ld, %ld %d\n", got, written, result, errno);
    } else {
        while (!is_over)
            for (int i = 0; i < 1000; i++)
                sum = sum * 6364136223846793005 + 1442695040888963407;
    }
    if (least_behind != 0)
        return printf("%ld of %ld are missing, sum %lu\n", least_behind, total, sum);
    return 0;
}

static void take(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    out_of_order += info->si_code != SI_QUEUE || info->si_value.sival_int != total;
    total++;
}

static int queue(void)
{
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    pid_t pid = fork();
    if (pid == 0) {
        for (long i = 0; i < wanted; i++) {
            union sigval value = {.sival_int = (int)i};
            while (sigqueue(getppid(), SIGRTMIN, value) != 0)
                usleep(50);
        }
        _exit(0);
    }
    while (total < wanted) {
        if (total % 3 == 0)
            continue; /* busy, or */
        sigprocmask(SIG_BLOCK, &set, &old);
        if (total < wanted && total % 3 != 0)
            sigsuspend(&old); /* blocked */
        sigprocmask(SIG_SETMASK, &old, 0);
    }
    waitpid(pid, 0, 0);
    usleep(1000);
    return total != wanted || out_of_order != 0 ? printf("%ld of %ld, %ld out of order\n", total, wanted, out_of_order) : 0;
}

static void wake(int number)
{
    (void)number;
    written += write(fds[1], "x", 1);
}

static int wakes(void)
{
    unsigned seed = 1;
    char byte;
    for (long round = 0; round < wanted; round++) {
        seed = seed * 1103515245 + 12345;
        arm(1 + (seed >> 16) % 30000, 0, 0);
        while (read(fds[0], &byte, 1) != 1)
            if (errno != EINTR || written != round + 1) /* EINTR only because of the handler */
                return printf("round %ld: %d after %ld\n", round, errno, written);
        total++;
    }
    return total != wanted;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "busy";
    struct sigaction action = {.sa_sigaction = tick, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    wanted = argc > 2 ? atol(argv[2]) : 10000;
    if (pipe(fds))
        return 2;
    /* A user has so many queued signals, of which a timer is one: another storm may have taken them all. */
    while (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) {
        if (errno != EAGAIN)
            return printf("timer_create: %d\n", errno);
        usleep(1000);
    }
    if (strcmp(kind, "queue") == 0)
        action.sa_sigaction = take;
    if (strcmp(kind, "wake") == 0)
        action = (struct sigaction){.sa_handler = wake};
    sigaction(SIGRTMIN, &action, 0);
    blocks = strcmp(kind, "blocked") == 0;
    int failed = strcmp(kind, "queue") == 0 ? queue() : strcmp(kind, "wake") == 0 ? wakes() : ticks();
    if (!failed)
        printf("%s none lost\n", kind);
    return failed != 0;
}
