/* Tests: a blocking read interrupted by a signal: restarted with SA_RESTART, EINTR without; pause and
 * nanosleep always EINTR; ppoll with a mask. Expected: status 0, prints what each call gave. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int count;
static int fds[2];

static void handler(int number)
{
    (void)number;
    if (++count == 3)
        (void)!write(fds[1], "x", 1);
}

static void alarm_in_ms(int first, int interval)
{
    struct itimerval timer = {{0, interval * 1000}, {0, first * 1000}};
    setitimer(ITIMER_REAL, &timer, 0);
}

int main(void)
{
    char byte;
    if (pipe(fds))
        return 1;
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, 0);
    alarm_in_ms(10, 10);
    long got = read(fds[0], &byte, 1);
    alarm_in_ms(0, 0);
    printf("restarted %ld after %d\n", got, count >= 3);
    action.sa_flags = 0;
    sigaction(SIGALRM, &action, 0);
    count = 10;
    alarm_in_ms(10, 0);
    got = read(fds[0], &byte, 1);
    printf("interrupted %ld %d\n", got, errno == EINTR);
    alarm_in_ms(10, 0);
    struct timespec pause_time = {5, 0}, rest = {0, 0};
    got = nanosleep(&pause_time, &rest);
    printf("slept %ld %d %d\n", got, errno == EINTR, rest.tv_sec >= 4);
    sigset_t set, none;
    sigemptyset(&none);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, 0);
    raise(SIGALRM);
    got = ppoll(0, 0, &pause_time, &none);
    printf("polled %ld %d\n", got, errno == EINTR);
    return 0;
}
