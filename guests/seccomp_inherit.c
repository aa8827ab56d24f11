/* Tests: seccomp filters pass to children by fork and vfork and through execve, several of them in their
 * order; who may install one; calls through the vsyscall page are judged. Expected: the same natively. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "seccomp.inc"

static void told(const char *what, long result)
{
    printf("%s %ld %d\n", what, result, result < 0 ? errno : 0);
}

static void report(const char *who)
{
    printf("%s: mode %d no_new_privs %d\n", who, prctl(PR_GET_SECCOMP),
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    told("getpgrp", syscall(SYS_getpgrp) >= 0 ? 0 : -1);
    told("getppid", syscall(SYS_getppid) >= 0 ? 0 : -1);
    told("getpgid", syscall(SYS_getpgid, 1, 2, 3) >= 0 ? 0 : -1);
}

static void ended(pid_t pid)
{
    int status;
    waitpid(pid, &status, 0);
    printf("ended %s %d\n", WIFSIGNALED(status) ? "by signal" : "with",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void trapped(int number)
{
    printf("signal %d\n", number);
}

static void by_vsyscall_page(void)
{
    time_t (*entry)(time_t *) = (time_t(*)(time_t *))0xffffffffff600400;
    printf("before %d\n", entry(0) > 1000);
    answer(SYS_time, SECCOMP_RET_ERRNO | 21);
    printf("error %ld\n", (long)entry(0));
    signal(SIGSYS, trapped);
    answer(SYS_time, SECCOMP_RET_TRAP);
    printf("trap %ld\n", (long)entry(0));
    exit(0);
}

static void without_privilege(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    struct sock_filter all[] = {GIVE(SECCOMP_RET_ALLOW)}, bad[] = {{0xffff, 0, 0, 0}};
    struct sock_fprog program = {1, all}, empty = {0, all}, wrong = {1, bad}, absent = {1, 0};
    syscall(SYS_capset, &header, none);
    told("capable", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
    told("empty", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &empty));
    told("wrong", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &wrong));
    told("absent", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &absent));
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    told("absent", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &absent));
    told("wrong", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &wrong));
    told("no privileges", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
    exit(0);
}

int main(int argc, char **argv)
{
    struct rlimit core = {0, 0};
    setrlimit(RLIMIT_CORE, &core);
    setvbuf(stdout, 0, _IONBF, 0);
    if (argc > 1) {
        report(argv[1]);
        answer(SYS_getpgid, SECCOMP_RET_ERRNO | 9); /* on top of what came through execve */
        report("after one more");
        if (strcmp(argv[1], "again") != 0)
            execl("/proc/self/exe", argv[0], "again", (char *)0);
        answer(SYS_exit_group, SECCOMP_RET_KILL_PROCESS);
        return 0;
    }
    pid_t pid = fork();
    if (pid == 0)
        without_privilege();
    ended(pid);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    pid = fork();
    if (pid == 0)
        by_vsyscall_page();
    ended(pid);
    answer(SYS_getpgrp, SECCOMP_RET_ERRNO | 1);
    answer(SYS_getppid, SECCOMP_RET_ERRNO | 2);
    argument(SYS_getpgid, 2, 3);
    answer(SYS_getppid, SECCOMP_RET_ERRNO | 3);
    pid = fork();
    if (pid == 0) {
        report("forked");
        _exit(0);
    }
    ended(pid);
    pid = vfork();
    if (pid == 0) {
        execl("/proc/self/exe", argv[0], "executed", (char *)0);
        _exit(1);
    }
    ended(pid);
    report("first");
    answer(SYS_execve, SECCOMP_RET_ERRNO | 13);
    told("execve", execl("/proc/self/exe", argv[0], "no", (char *)0));
    return 0;
}
