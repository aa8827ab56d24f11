/* Tests: what a handled signal does to each call that blocks: restarted, EINTR or a part done, with and
 * without SA_RESTART; and a stop and a continue, which few may notice.
 * Expected: status 0, prints one line a call. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int handled;
static int empty[2], full[2], pair[2], listener, poller, file, event, semaphores, messages;
static mqd_t queue;
static char fifo[64];
static volatile int *word;
static pid_t sleeper;

static void handler(int number) { (void)number; handled++; }

static long lock_of_other(void)
{
    struct flock wanted = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(file, F_SETLKW, &wanted);
}

/* Until a call ends by itself: where it is the signal that ends it, however busy the machine is, long. */
static int wait_ms;

static void add_wait(struct timespec *to)
{
    to->tv_sec += wait_ms / 1000;
    to->tv_nsec += wait_ms % 1000 * 1000000;
    to->tv_sec += to->tv_nsec / 1000000000;
    to->tv_nsec %= 1000000000;
}

/* These end when nothing comes: by a time-out, or because the helper undoes them. */
static long block(int which, int *ends_itself)
{
    static char buffer[65536];
    struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000};
    struct timeval wait_us = {wait_ms / 1000, wait_ms % 1000 * 1000};
    struct pollfd polled = {.fd = empty[0], .events = POLLIN};
    struct epoll_event got;
    struct itimerspec timer = {{0, 0}, wait};
    sigset_t set, mask;
    struct sembuf operation = {0, -1, 0};
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(empty[0], &readable);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigemptyset(&mask);
    *ends_itself = which < 20;
    switch (which) {
    case 0: return nanosleep(&wait, 0);
    case 1: return clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, 0);
    case 2: return poll(&polled, 1, wait_ms);
    case 3: return ppoll(&polled, 1, &wait, &mask);
    case 4: return select(empty[0] + 1, &readable, 0, 0, &wait_us);
    case 5: return pselect(empty[0] + 1, &readable, 0, 0, &wait, &mask);
    case 6: return epoll_wait(poller, &got, 1, wait_ms);
    case 7: return epoll_pwait(poller, &got, 1, wait_ms, &mask);
    case 8: return syscall(SYS_futex, word, FUTEX_WAIT, 0, &wait, 0, 0);
    case 9: {
        clock_gettime(CLOCK_MONOTONIC, &wait);
        add_wait(&wait);
        return syscall(SYS_futex, word, FUTEX_WAIT_BITSET, 0, &wait, 0, ~0);
    }
    case 10: return sigtimedwait(&set, 0, &wait);
    case 11: {
        int fd = timerfd_create(CLOCK_MONOTONIC, 0);
        timerfd_settime(fd, 0, &timer, 0);
        long result = read(fd, buffer, 8);
        int error = errno;
        close(fd);
        errno = error;
        return result;
    }
    case 12: {
        setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &wait_us, sizeof wait_us);
        long result = recv(pair[0], buffer, 1, 0);
        int error = errno;
        wait_us = (struct timeval){0, 0};
        setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &wait_us, sizeof wait_us);
        errno = error;
        return result;
    }
    case 13: return semtimedop(semaphores, &operation, 1, &wait);
    case 14: {
        clock_gettime(CLOCK_REALTIME, &wait);
        add_wait(&wait);
        return mq_timedreceive(queue, buffer, sizeof buffer, 0, &wait);
    }
    case 20: return read(empty[0], buffer, 1);
    case 21: return write(full[1], buffer, 1);
    case 22: return recv(pair[0], buffer, 1, 0);
    case 23: return recv(pair[0], buffer, 4, MSG_WAITALL);
    case 24: return accept(listener, 0, 0) >= 0;
    case 25: return semop(semaphores, &operation, 1);
    case 26: return msgrcv(messages, buffer, 16, 0, 0);
    case 27: return mq_receive(queue, buffer, sizeof buffer, 0);
    case 28: return flock(file, LOCK_EX);
    case 29: return lock_of_other();
    case 30: return wait4(sleeper, 0, 0, 0) > 0;
    case 31: return waitid(P_PID, (id_t)sleeper, (siginfo_t *)buffer, WEXITED);
    case 32: return syscall(SYS_futex, word, FUTEX_WAIT, 0, 0, 0, 0);
    case 33: return read(event, buffer, 8);
    case 34: {
        int fd = open(fifo, O_RDONLY);
        int error = errno;
        if (fd >= 0)
            close(fd);
        errno = error;
        return fd >= 0;
    }
    case 35: return syscall(SYS_futex, word, FUTEX_LOCK_PI, 0, 0, 0, 0);
    default: *ends_itself = -1; return 0;
    }
}

/* What the helper does at last, for the calls that would wait for ever. */
static void undo(int which)
{
    static char buffer[65536];
    struct sembuf operation = {0, 1, 0};
    struct { long type; char text[16]; } message = {1, ""};
    unsigned long one = 1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    switch (which) {
    case 20: (void)!write(empty[1], "x", 1); break;
    case 21: (void)!read(full[0], buffer, sizeof buffer); break;
    case 22: (void)!write(pair[1], "x", 1); break;
    case 23: (void)!write(pair[1], "wxyz", 4); break;
    case 24: {
        int client = socket(AF_UNIX, SOCK_STREAM, 0);
        socklen_t length = sizeof address;
        getsockname(listener, (struct sockaddr *)&address, &length);
        connect(client, (struct sockaddr *)&address, length);
        break;
    }
    case 25: semop(semaphores, &operation, 1); break;
    case 26: msgsnd(messages, &message, 16, 0); break;
    case 27: mq_send(queue, "x", 1, 0); break;
    case 30:
    case 31: kill(sleeper, SIGKILL); break;
    case 32: *word = 1; syscall(SYS_futex, word, FUTEX_WAKE, 10, 0, 0, 0); break;
    case 33: (void)!write(event, &one, 8); break;
    case 34: close(open(fifo, O_WRONLY | O_NONBLOCK)); break;
    case 35: break; /* it ends */
    }
}

static void millisleep(int milliseconds)
{
    struct timespec wait = {0, milliseconds * 1000000};
    nanosleep(&wait, 0);
}

/* Waits until the process sleeps in its call, or has left it: word[2] tells. */
static void await_state(pid_t process, const char *states)
{
    char path[32], text[256];
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    for (;;) {
        int fd = open(path, O_RDONLY);
        long got = read(fd, text, sizeof text - 1);
        close(fd);
        text[got > 0 ? got : 0] = 0;
        const char *end = strrchr(text, ')');
        if (word[2] == 2 || (word[2] == 1 && end && strchr(states, end[2])))
            return;
        millisleep(1);
    }
}

static void once(int which, int how)
{
    int ends_itself, ready[2];
    char byte;
    if (pipe(ready))
        exit(3);
    pid_t parent = getpid(), helper;
    *word = 0;
    word[2] = 0;
    if (which == 30 || which == 31) {
        sleeper = fork();
        if (sleeper == 0)
            for (;;)
                pause();
    }
    fflush(stdout);
    helper = fork();
    if (helper == 0) {
        if (which == 28) {
            char path[32];
            snprintf(path, sizeof path, "/proc/self/fd/%d", file);
            int other = open(path, O_RDWR);
            flock(other, LOCK_EX);
        }
        if (which == 29)
            lock_of_other();
        if (which == 35)
            *word = gettid();
        (void)!write(ready[1], "x", 1);
        await_state(parent, "S");
        kill(parent, how < 2 ? SIGUSR1 : SIGSTOP);
        if (how == 2) {
            await_state(parent, "T");
            kill(parent, SIGCONT);
        }
        millisleep(5);
        await_state(parent, "S");
        if (which == 35)
            syscall(SYS_futex, word, FUTEX_UNLOCK_PI, 0, 0, 0, 0);
        undo(which);
        _exit(0);
    }
    (void)!read(ready[0], &byte, 1);
    close(ready[0]);
    close(ready[1]);
    handled = 0;
    wait_ms = how == 0 ? 5000 : 200;
    word[2] = 1;
    long result = block(which, &ends_itself);
    int error = result == -1 ? errno : 0;
    word[2] = 2;
    printf(" %s:%ld,%d,%d", (const char *[]){"plain", "restart", "stop"}[how], result, error, handled);
    waitpid(helper, 0, 0);
    if (which == 28)
        flock(file, LOCK_UN);
    if (which == 29) {
        struct flock wanted = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
        fcntl(file, F_SETLKW, &wanted);
    }
    /* Nothing is left for the next. */
    static char buffer[65536];
    struct pollfd left[] = {{empty[0], POLLIN, 0}, {pair[0], POLLIN, 0}, {event, POLLIN, 0}, {listener, POLLIN, 0}};
    poll(left, 4, 0);
    for (int i = 0; i < 3; i++)
        if (left[i].revents)
            (void)!read(left[i].fd, buffer, 8);
    if (left[3].revents)
        close(accept(listener, 0, 0));
    semctl(semaphores, 0, SETVAL, 0);
    msgrcv(messages, buffer, 16, 0, IPC_NOWAIT);
    struct timespec past = {0, 0};
    mq_timedreceive(queue, buffer, sizeof buffer, 0, &past);
    if (which == 21)
        while (poll(&(struct pollfd){full[1], POLLOUT, 0}, 1, 0) > 0)
            (void)!write(full[1], buffer, 4096);
    if (which == 30 || which == 31)
        waitpid(sleeper, 0, 0);
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 8};
    char name[32];
    setvbuf(stdout, 0, _IOFBF, 1 << 16);
    signal(SIGALRM, SIG_DFL);
    if (pipe(empty) || pipe2(full, 0) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
        return 1;
    static char buffer[65536];
    while (poll(&(struct pollfd){full[1], POLLOUT, 0}, 1, 0) > 0)
        (void)!write(full[1], buffer, 4096);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address.sun_family) || listen(listener, 5))
        return 2;
    poller = epoll_create1(0);
    struct epoll_event interest = {.events = EPOLLIN};
    epoll_ctl(poller, EPOLL_CTL_ADD, empty[0], &interest);
    snprintf(fifo, sizeof fifo, "/tmp/signal_fifo.%d", getpid());
    mkfifo(fifo, 0600);
    char path[] = "/tmp/signal.XXXXXX";
    file = mkstemp(path);
    event = eventfd(0, 0);
    semaphores = semget(IPC_PRIVATE, 1, 0600);
    messages = msgget(IPC_PRIVATE, 0600);
    snprintf(name, sizeof name, "/signal.%d", getpid());
    queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attributes);
    mq_unlink(name);
    word = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int which = 0; which < 36; which++) {
        if (which > 14 && which < 20)
            continue;
        printf("%d:", which);
        for (int how = 0; how < 3; how++) {
            action.sa_flags = how == 1 ? SA_RESTART : 0;
            sigaction(SIGUSR1, &action, 0);
            once(which, how);
        }
        printf("\n");
    }
    unlink(path);
    unlink(fifo);
    semctl(semaphores, 0, IPC_RMID);
    msgctl(messages, IPC_RMID, 0);
    return 0;
}
