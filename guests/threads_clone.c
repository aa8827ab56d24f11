/* Tests: clone without a C library's help: a thread as musl and Go start it (thread id written by the
 * kernel, cleared with a wake-up at its end), and a process that shares memory and runs beside its
 * parent.
 * Expected: prints 1 1 1 1 1 1, status 0. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile pid_t child_tid, parent_tid, seen_tid, seen_pid;
static volatile int go, counted;

static int work(void *argument)
{
    while (!go)
        ;
    seen_tid = (pid_t)syscall(SYS_gettid);
    seen_pid = (pid_t)syscall(SYS_getpid);
    for (int i = 0; i < 100000; i++)
        counted++;
    return (int)(long)argument;
}

int main(void)
{
    char *stack = (char *)malloc(65536) + 65536;
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    pid_t tid = clone(work, stack, flags, (void *)0, &parent_tid, 0, &child_tid);
    int was_set = parent_tid == tid;
    go = 1;
    while (counted < 100000)
        sched_yield();
    for (pid_t value; (value = child_tid) != 0;)
        syscall(SYS_futex, &child_tid, FUTEX_WAIT, value, 0, 0, 0);
    printf("%d %d %d ", was_set, seen_tid == tid && seen_pid == getpid(), counted == 100000);
    go = counted = 0;
    pid_t pid = clone(work, stack, CLONE_VM | SIGCHLD, (void *)9);
    go = 1;
    for (int i = 0; i < 100000; i++)
        __asm__ volatile("" ::: "memory");
    int status = 0;
    pid_t ended = waitpid(pid, &status, 0);
    printf("%d %d %d\n", ended == pid && WEXITSTATUS(status) == 9, seen_pid == pid,
           counted == 100000 && clone(work, stack, CLONE_THREAD, 0) == -1 && errno == EINVAL);
    return 0;
}
