/* Tests: the signal mask: sigprocmask in all its ways, sa_mask, SA_NODEFER, SA_RESETHAND, a handler that
 * changes the mask in its frame, sigsuspend and the calls that wait under another mask, for events that
 * are ready and for signals. Expected: status 0, prints masks. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static unsigned long mask_now(void)
{
    unsigned long mask = 0;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8);
    return mask;
}

static int change, nest;
static void handler(int number, siginfo_t *info, void *context)
{
    ucontext_t *user = context;
    (void)info;
    printf("  handler %d under %lx, frame %lx\n", number, mask_now(), *(unsigned long *)&user->uc_sigmask);
    if (nest-- > 0)
        raise(number);
    if (change)
        *(unsigned long *)&user->uc_sigmask ^= 1ul << (change - 1);
    change = 0;
}

static void action(int number, int flags, int also)
{
    struct sigaction wanted = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    if (also)
        sigaddset(&wanted.sa_mask, also);
    sigaction(number, &wanted, 0);
}

static void show(const char *what, long result)
{
    printf("%s: %ld %d mask %lx pending ", what, result, result == -1 ? errno : 0, mask_now());
    unsigned long pending = 0;
    syscall(SYS_rt_sigpending, &pending, 8);
    printf("%lx\n", pending);
}

int main(void)
{
    unsigned long set, all = ~0ul, none = 0, usr1 = 1ul << (SIGUSR1 - 1), usr2 = 1ul << (SIGUSR2 - 1);
    struct timespec zero = {0, 0}, little = {0, 1000000};
    int fds[2], poller = epoll_create1(0);
    setvbuf(stdout, 0, _IOFBF, 1 << 16);
    if (pipe(fds))
        return 1;
    struct epoll_event event = {.events = EPOLLIN}, got;
    epoll_ctl(poller, EPOLL_CTL_ADD, fds[0], &event);
    show("set all", syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, 0, 8));
    show("bad how", syscall(SYS_rt_sigprocmask, 3, &all, 0, 8));
    show("bad how, no set", syscall(SYS_rt_sigprocmask, 3, 0, &set, 8));
    show("bad size", syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, 0, 4));
    show("bad set", syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, 0, 8));
    show("bad old", syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, 8, 8));
    set = usr1 | usr2;
    show("block", syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 8));
    show("unblock", syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &usr2, 0, 8));
    show("none", syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, 8));
    show("suspend size", syscall(SYS_rt_sigsuspend, &none, 4));
    show("suspend set", syscall(SYS_rt_sigsuspend, 8, 8));
    show("action size", syscall(SYS_rt_sigaction, SIGUSR1, 0, 0, 4));
    show("action number", syscall(SYS_rt_sigaction, 65, 0, 0, 8));
    show("action kill", syscall(SYS_rt_sigaction, SIGKILL, 8, 0, 8));
    show("action pointer", syscall(SYS_rt_sigaction, SIGUSR1, 8, 0, 8));
    show("action old", syscall(SYS_rt_sigaction, SIGUSR1, 0, 8, 8));
    show("pending size", syscall(SYS_rt_sigpending, &set, 9));
    action(SIGUSR1, 0, SIGUSR2);
    show("raise", raise(SIGUSR1));
    action(SIGUSR1, SA_NODEFER, SIGKILL);
    nest = 1;
    show("nested", raise(SIGUSR1));
    action(SIGUSR1, 0, SIGUSR1);
    nest = 1;
    show("deferred", raise(SIGUSR1));
    action(SIGUSR1, SA_RESETHAND, 0);
    show("reset", raise(SIGUSR1));
    struct sigaction now;
    sigaction(SIGUSR1, 0, &now);
    printf("%d %x\n", now.sa_handler == SIG_DFL, (unsigned)now.sa_flags);
    action(SIGUSR1, 0, 0);
    action(SIGUSR2, 0, SIGUSR1);
    change = SIGTERM;
    show("changed", raise(SIGUSR1));
    change = SIGTERM;
    show("changed back", raise(SIGUSR1));
    set = usr1 | usr2;
    for (int ready = 0; ready < 2; ready++) {
        for (int which = 0; which < 5; which++) {
            static const char *const names[] = {"suspend", "ppoll", "pselect", "epoll_pwait", "epoll_pwait2"};
            unsigned long wait_mask = 1ul << (SIGTERM - 1);
            struct pollfd polled = {.fd = fds[0], .events = POLLIN};
            fd_set readable;
            struct { unsigned long *mask; unsigned long size; } pair = {&wait_mask, 8};
            long result = 0;
            FD_ZERO(&readable);
            FD_SET(fds[0], &readable);
            for (int sent = 0; sent < 3; sent++) {
                if (which == 0 && (ready || sent == 0))
                    continue;
                syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, 0, 8);
                if (sent > 0)
                    raise(SIGUSR1);
                if (sent > 1)
                    raise(SIGUSR2);
                printf("%d%d ", ready, sent);
                FD_SET(fds[0], &readable);
                struct timespec wait = little;
                switch (which) {
                case 0: result = syscall(SYS_rt_sigsuspend, &wait_mask, 8); break;
                case 1: result = syscall(SYS_ppoll, &polled, 1, &wait, &wait_mask, 8); break;
                case 2: result = syscall(SYS_pselect6, fds[0] + 1, &readable, 0, 0, &wait, &pair); break;
                case 3: result = syscall(SYS_epoll_pwait, poller, &got, 1, 1, &wait_mask, 8); break;
                default: result = syscall(SYS_epoll_pwait2, poller, &got, 1, &wait, &wait_mask, 8);
                }
                show(names[which], result);
                syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, 8);
                show("after", 0);
            }
        }
        (void)!write(fds[1], "x", 1);
    }
    show("ppoll bad mask", syscall(SYS_ppoll, 0, 0, &zero, 8, 8));
    show("ppoll bad size", syscall(SYS_ppoll, 0, 0, &zero, &none, 4));
    show("pselect bad pair", syscall(SYS_pselect6, 0, 0, 0, 0, &zero, 8));
    return 0;
}
