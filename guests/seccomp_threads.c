/* Tests: seccomp filters and threads: inherited by clone, synchronised (TSYNC) with no_new_privs, refused
 * where another thread has filters of its own; the end of the leader alone. Expected: the same natively. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "seccomp.inc"

static pthread_barrier_t before, after;
static pid_t other;

static long set(unsigned flags, int number, unsigned action)
{
    struct sock_filter filter[] = {LOAD(nr), UNLESS(number, 1), GIVE(action), GIVE(SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {4, filter};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void report(const char *who)
{
    errno = 0;
    long parent = syscall(SYS_getppid), user = errno;
    errno = 0;
    parent = parent > 0 ? 1 : parent;
    printf("%s: getppid %ld %ld, mode %d, no_new_privs %d\n", who, parent, user, prctl(PR_GET_SECCOMP),
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static void *inherits(void *argument)
{
    report("inherited");
    return argument;
}

static void *is_synchronised(void *own)
{
    other = (pid_t)syscall(SYS_gettid);
    if (own)
        printf("own %ld\n", set(0, SYS_getuid, SECCOMP_RET_ERRNO | 9));
    pthread_barrier_wait(&before);
    pthread_barrier_wait(&after);
    report("other");
    return 0;
}

static void *outlives(void *argument)
{
    usleep(50000);
    printf("the leader is gone\n");
    syscall(SYS_exit, 3);
    return argument;
}

static void *installs(void *argument)
{
    set(0, SYS_getppid, SECCOMP_RET_ERRNO | 6);
    return argument;
}

static void *ends(void *argument)
{
    return argument;
}

static void told(long result)
{
    printf("%ld %d ", result, result < 0 ? errno : 0);
}

static void run(const char *name, int which)
{
    pthread_t thread;
    pid_t pid = fork();
    if (pid != 0) {
        int status;
        waitpid(pid, &status, 0);
        printf("%s: %s %d\n", name, WIFSIGNALED(status) ? "signal" : "exit",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        return;
    }
    pthread_barrier_init(&before, 0, 2);
    pthread_barrier_init(&after, 0, 2);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    switch (which) {
    case 0:
        set(0, SYS_getppid, SECCOMP_RET_ERRNO | 5);
        pthread_create(&thread, 0, inherits, 0);
        pthread_join(thread, 0);
        break;
    case 1: /* another thread that had neither filters nor no_new_privs */
    case 2: /* one with filters of its own */
    case 3:
    case 4:
        pthread_create(&thread, 0, is_synchronised, which >= 2 ? &which : 0);
        pthread_barrier_wait(&before);
        long result = set(SECCOMP_FILTER_FLAG_TSYNC |
                              (which == 3 ? SECCOMP_FILTER_FLAG_TSYNC_ESRCH : 0),
                          SYS_getppid, SECCOMP_RET_ERRNO | 6);
        printf("set %d %d\n", result == other ? 1000 : (int)result, result < 0 ? errno : 0);
        if (which == 4)
            printf("alone %ld\n", set(0, SYS_getppid, SECCOMP_RET_ERRNO | 7));
        pthread_barrier_wait(&after);
        pthread_join(thread, 0);
        report("own");
        break;
    case 5: /* after it has ended it no longer counts */
        pthread_create(&thread, 0, installs, 0);
        pthread_join(thread, 0);
        printf("set %ld\n", set(SECCOMP_FILTER_FLAG_TSYNC, SYS_getppid, SECCOMP_RET_ERRNO | 6));
        break;
    case 6:
        set(0, SYS_getppid, SECCOMP_RET_KILL_THREAD);
        pthread_create(&thread, 0, outlives, 0);
        syscall(SYS_getppid);
        break;
    case 7: /* flags */
        told(set(64, 1, 0));
        told(set(1 << 5, 1, 0));
        told(set(SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW, 5000, 0));
        told(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, 0));
        told(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, 0));
        told(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
        told(prctl(PR_SET_SECCOMP, 3));
        told(syscall(SYS_seccomp, 99, 0, 0));
        told(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, 0));
        unsigned known[] = {SECCOMP_RET_KILL_PROCESS, 0, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
                            SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW, 0x12340000, 1};
        for (int i = 0; i < 9; i++)
            printf("%ld ", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &known[i]));
        printf("%ld\n", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, known));
        break;
    case 8: { /* the room for filters of one thread: the same order of size, and then for ever */
        int count = 0;
        while (set(0, SYS_getppid, SECCOMP_RET_ERRNO | 5) == 0)
            count++;
        printf("full %d %d\n", errno, count > 2000 && count < 5000);
        break;
    }
    case 9: /* filters go with their threads */
        for (int i = 0; i < 300; i++) {
            pthread_create(&thread, 0, installs, 0);
            pthread_join(thread, 0);
            pthread_create(&thread, 0, ends, 0);
            pthread_join(thread, 0);
        }
        report("own");
        break;
    }
    exit(which);
}

int main(void)
{
    static const char *const names[] = {"clone", "tsync", "tsync refused", "tsync refused with ESRCH",
                                        "after a refusal", "tsync after", "leader", "flags", "many",
                                        "thread by thread"};
    struct rlimit none = {0, 0};
    setvbuf(stdout, 0, _IONBF, 0);
    setrlimit(RLIMIT_CORE, &none);
    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++)
        run(names[i], i);
    return 0;
}
