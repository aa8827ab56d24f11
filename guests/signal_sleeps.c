/* Tests: a signal of a fault that is blocked, or ignored, comes from another process while a call sleeps: the
 * call goes on; afterwards the blocked one is pending. Expected: status 0, prints the calls' results. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL, PPOLL, PSELECT, EPOLL, EPOLL_PWAIT, READ, FUTEX, NANOSLEEP, WAIT, SIGWAIT, SUSPEND, CALLS };
static const char *const names[] = {"poll", "ppoll", "pselect", "epoll_wait", "epoll_pwait", "read",
                                    "futex", "nanosleep", "wait", "sigtimedwait", "sigsuspend"};
static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL};
static volatile int usr1s;
static void on_usr1(int number) { usr1s += number == SIGUSR1; }

/* Waits until the process sleeps for good, or has ended. */
static void see_asleep(pid_t pid)
{
    char path[64], text[512], state = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    for (int seen = 0; seen < 5 && state != 'Z';) {
        int fd = open(path, O_RDONLY);
        long length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
        close(fd);
        text[length > 0 ? length : 0] = 0;
        char *end = strrchr(text, ')');
        if (!end)
            return;
        state = end[2];
        seen = state == 'S' ? seen + 1 : 0;
        usleep(100);
    }
}

static void disturb(pid_t parent, int call, int number, int wake)
{
    see_asleep(parent);
    for (int i = 0; i < 3; i++) {
        kill(parent, number);
        usleep(300);
    }
    if (call == SIGWAIT || call == SUSPEND)
        kill(parent, SIGUSR1);
    else if (call != FUTEX && call != NANOSLEEP)
        (void)!write(wake, "x", 1);
    _exit(7);
}

static long sleep_in(int call, int fd, pid_t child, const sigset_t *wait_mask, int *detail)
{
    struct timespec little = {0, 30000000}, lot = {20, 0};
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    struct epoll_event event = {.events = EPOLLIN}, got;
    fd_set readable;
    sigset_t usr1;
    int word = 0, poller, status;
    long result;
    char byte;
    FD_ZERO(&readable);
    FD_SET(fd, &readable);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    switch (call) {
    case POLL: return poll(&polled, 1, 20000);
    case PPOLL: return ppoll(&polled, 1, &lot, wait_mask);
    case PSELECT: return pselect(fd + 1, &readable, 0, 0, &lot, wait_mask);
    case READ: return read(fd, &byte, 1);
    case FUTEX: return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &little, 0, 0);
    case NANOSLEEP: return nanosleep(&little, 0);
    case WAIT:
        result = waitpid(child, &status, 0) == child;
        *detail = WEXITSTATUS(status);
        return result;
    case SIGWAIT: return sigtimedwait(&usr1, 0, &lot);
    case SUSPEND: return sigsuspend(wait_mask);
    default:
        poller = epoll_create1(0);
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
        result = call == EPOLL ? epoll_wait(poller, &got, 1, 20000)
                               : epoll_pwait(poller, &got, 1, 20000, wait_mask);
        close(poller);
        return result;
    }
}

int main(void)
{
    setvbuf(stdout, 0, _IOFBF, 1 << 16);
    struct sigaction action = {.sa_handler = on_usr1};
    sigaction(SIGUSR1, &action, 0);
    for (unsigned at = 0; at < 3; at++) {
        for (int ignores = 0; ignores < 2; ignores++) {
            for (int call = 0; call < CALLS; call++) {
                int number = numbers[at], wake[2], detail = 0;
                sigset_t set, wait_mask, pending;
                signal(number, ignores ? SIG_IGN : SIG_DFL);
                sigemptyset(&wait_mask);
                if (!ignores)
                    sigaddset(&wait_mask, number);
                set = wait_mask;
                sigaddset(&set, SIGUSR1);
                sigprocmask(SIG_SETMASK, &set, 0);
                usr1s = 0;
                if (pipe(wake))
                    return 1;
                fflush(stdout);
                pid_t parent = getpid(), child = fork();
                if (child == 0)
                    disturb(parent, call, number, wake[1]);
                long result = sleep_in(call, wake[0], child, &wait_mask, &detail);
                int error = result < 0 ? errno : 0;
                while (waitpid(child, 0, 0) < 0 && errno == EINTR)
                    ;
                sigpending(&pending);
                printf("%d %s %s: %ld %s %d usr1 %d pending %d\n", number, ignores ? "ignored" : "blocked",
                       names[call], result, error ? strerrorname_np(error) : "-", detail, usr1s,
                       sigismember(&pending, number));
                signal(number, SIG_IGN); /* forgets it */
                close(wake[0]);
                close(wake[1]);
            }
        }
    }
    return 0;
}
