/* Tests: every signal number, standard and real-time, by every way of sending: kill, tkill, tgkill,
 * sigqueue, rt_sigqueueinfo and rt_tgsigqueueinfo with any code, pidfd; number, code, sender and value.
 * Expected: status 0, prints one line a number, the same on every machine. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile siginfo_t seen;
static volatile int count;

static void handler(int number, siginfo_t *info, void *context)
{
    (void)context;
    *(siginfo_t *)&seen = *info;
    count += number == info->si_signo;
}

static void show(const char *how)
{
    printf(" %s:%d,%d,%d,%d,%d", how, count, seen.si_code, seen.si_pid == getpid(), seen.si_uid == getuid(),
           seen.si_code == SI_USER || seen.si_code == SI_TKILL ? 0 : seen.si_value.sival_int);
    memset((void *)&seen, 0x55, sizeof seen);
    count = 0;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    siginfo_t own;
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    for (int number = 1; number <= 64; number++) {
        struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } raw;
        sigaction(SIGUSR1, &action, 0);
        syscall(SYS_rt_sigaction, SIGUSR1, 0, &raw, 8);
        long result = syscall(SYS_rt_sigaction, number, &raw, 0, 8); /* 32 and 33 too */
        printf("%d:%d", number, result == 0 ? 0 : errno);
        if (number == SIGKILL || number == SIGSTOP) {
            printf("\n");
            continue;
        }
        kill(getpid(), number);
        show("kill");
        syscall(SYS_tkill, gettid(), number);
        show("tkill");
        syscall(SYS_tgkill, getpid(), gettid(), number);
        show("tgkill");
        syscall(SYS_pidfd_send_signal, pidfd, number, 0, 0);
        show("pidfd");
        for (int code = -70; code <= 6; code += code == -70 ? 63 : 1) {
            memset(&own, 0, sizeof own);
            own.si_signo = number;
            own.si_code = code;
            own.si_pid = getpid();
            own.si_uid = getuid();
            own.si_value.sival_int = 1000 + number + code;
            syscall(SYS_rt_sigqueueinfo, getpid(), number, &own);
            show("queue");
            syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), number, &own);
            show("tgqueue");
        }
        own.si_code = 0x80;
        syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), number, &own);
        show("kernel");
        printf("\n");
    }
    printf("%d", kill(getpid(), 65) == -1 && errno == EINVAL);
    printf("%d", kill(getpid(), 0) == 0);
    printf("%d\n", (int)syscall(SYS_tgkill, getpid(), 1 << 22, SIGUSR1) == -1 && errno == ESRCH);
    return 0;
}
