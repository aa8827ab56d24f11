/* Tests: clone3 in forms that clone does not have: a file descriptor of the child together with the
 * parent's copy of its id, handlers cleared in the child, a chosen process id, another exit signal; as a
 * fork, as a vfork and as a thread; and arguments that are refused.
 * Expected: prints a line for each, status 0. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

static volatile int handled;
static volatile int *volatile nowhere = (volatile int *)8;

static void handler(int number)
{
    handled += number;
}

/* Inline: a child that shares the stack must not return from a function that its parent is still in. */
static inline __attribute__((always_inline)) long clone3(struct clone_args *arguments, size_t size_bytes)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(SYS_clone3), "D"(arguments), "S"(size_bytes)
                     : "rcx", "r11", "memory");
    errno = result < 0 ? (int)-result : errno;
    return result < 0 ? -1 : result;
}

static int status_of(pid_t child)
{
    int status = 0;
    if (waitpid(child, &status, __WALL) != child) {
        return -errno;
    }
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void with_pidfd(void)
{
    int descriptor = -1;
    int parent_tid = 0;
    struct clone_args arguments = {
        .flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
        .pidfd = (uintptr_t)&descriptor,
        .parent_tid = (uintptr_t)&parent_tid,
        .exit_signal = SIGCHLD,
    };
    long child = clone3(&arguments, sizeof arguments);
    if (child == 0) {
        _exit(7);
    }
    struct pollfd ended = {.fd = descriptor, .events = POLLIN};
    int polled = poll(&ended, 1, 20000);
    printf("pidfd %d %d %d\n", parent_tid == child, polled, status_of((pid_t)child));
    close(descriptor);
}

/* The handler of SIGUSR1 is the default again, so the signal ends the child; what is ignored stays so;
 * handlers of faults are cleared, too. */
static void with_cleared(unsigned long long flags, int fault)
{
    struct clone_args arguments = {.flags = CLONE_CLEAR_SIGHAND | flags, .exit_signal = SIGCHLD};
    long child = clone3(&arguments, sizeof arguments);
    if (child == 0) {
        raise(SIGUSR2);
        if (fault) {
            *nowhere = 1;
        }
        raise(SIGUSR1);
        _exit(9);
    }
    int status = child > 0 ? status_of((pid_t)child) : (int)child;
    raise(SIGUSR1);
    printf("cleared %d, %d here\n", status, handled);
}

/* An id that is free: of a child that has just been waited for. */
static void with_chosen_id(void)
{
    long child = -1;
    pid_t wanted = 0;
    for (int round = 0; round < 100 && child < 0 && (round == 0 || errno == EEXIST); round++) {
        wanted = fork();
        if (wanted == 0) {
            _exit(0);
        }
        waitpid(wanted, 0, 0);
        struct clone_args arguments = {
            .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted, .set_tid_size = 1};
        child = clone3(&arguments, sizeof arguments);
        if (child == 0) {
            _exit(getpid() == wanted ? 3 : 4);
        }
    }
    if (child < 0) {
        printf("id refused %d\n", errno); /* EPERM without privilege */
        return;
    }
    printf("id %d %d\n", child == wanted, status_of((pid_t)child));
}

static void with_exit_signal(void)
{
    struct clone_args arguments = {.exit_signal = SIGUSR1};
    handled = 0;
    long child = clone3(&arguments, sizeof arguments);
    if (child == 0) {
        _exit(5);
    }
    int status = 0;
    pid_t plain = waitpid((pid_t)child, &status, WNOHANG);
    while (handled == 0) {
        usleep(1000);
    }
    printf("signal %d %d %d\n", plain, handled, status_of((pid_t)child));
}

static char stack[65536] __attribute__((aligned(16)));
static volatile int thread_word = 1;

/* A thread in assembly: adds to the word and ends; the kernel clears the word's neighbour. */
static void as_thread(void)
{
    static volatile int child_tid = -1;
    static int parent_tid;
    struct clone_args arguments = {
        .flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                 CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID,
        .child_tid = (uintptr_t)&child_tid,
        .parent_tid = (uintptr_t)&parent_tid,
        .stack = (uintptr_t)stack,
        .stack_size = sizeof stack,
    };
    long result;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "lock addl $41, %[word]\n\t"
                     "mov %[exit], %%eax\n\t"
                     "xor %%edi, %%edi\n\t"
                     "syscall\n"
                     "1:"
                     : "=a"(result), [word] "+m"(thread_word)
                     : "0"(SYS_clone3), "D"(&arguments), "S"(sizeof arguments), [exit] "i"(SYS_exit)
                     : "rcx", "r11", "memory");
    while (child_tid != 0) {
        usleep(1000);
    }
    printf("thread %d %d\n", thread_word, parent_tid == result);
}

static void refused(void)
{
    struct {
        struct clone_args first;
        char more[4096];
    } large;
    memset(&large, 0, sizeof large);
    large.first.exit_signal = SIGCHLD;
    long short_one = clone3(&large.first, 63);
    int short_error = errno;
    long too_long = clone3(&large.first, 5000);
    int long_error = errno;
    large.more[17] = 1;
    long unknown = clone3(&large.first, sizeof large.first + 64);
    int unknown_error = errno;
    large.first.exit_signal = 0x1ff;
    long signal_one = clone3(&large.first, sizeof large.first);
    int signal_error = errno;
    large.first.exit_signal = SIGCHLD;
    large.first.flags = SIGUSR1;
    long flags_one = clone3(&large.first, sizeof large.first);
    int flags_error = errno;
    large.first.flags = CLONE_SIGHAND | CLONE_CLEAR_SIGHAND | CLONE_VM;
    long both = clone3(&large.first, sizeof large.first);
    int both_error = errno;
    printf("%ld %d, %ld %d, %ld %d, %ld %d, %ld %d, %ld %d\n", short_one, short_error, too_long,
           long_error, unknown, unknown_error, signal_one, signal_error, flags_one, flags_error, both,
           both_error);
}

/* Zero bytes behind what the kernel knows are allowed. */
static void from_the_future(void)
{
    struct {
        struct clone_args first;
        char more[64];
    } large;
    memset(&large, 0, sizeof large);
    large.first.exit_signal = SIGCHLD;
    long child = clone3(&large.first, sizeof large);
    if (child == 0) {
        _exit(6);
    }
    printf("longer %d\n", status_of((pid_t)child));
}

int main(void)
{
    setvbuf(stdout, 0, _IONBF, 0);
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGSEGV, handler);
    with_pidfd();
    with_cleared(0, 0);
    with_cleared(0, 1);
    with_cleared(CLONE_VM | CLONE_VFORK, 0);
    with_cleared(CLONE_VM | CLONE_VFORK, 1);
    with_chosen_id();
    with_exit_signal();
    as_thread();
    refused();
    from_the_future();
    return 0;
}
