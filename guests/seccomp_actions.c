/* Tests: what each action of a seccomp filter does to a call: its result, the SIGSYS with all it tells,
 * the way the process or the thread ends; which action wins; strict mode. Expected: the same natively. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include "seccomp.inc"

__attribute__((noipa)) static long raw(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile(".globl call_site\nsyscall\ncall_site:"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#define RAW(number) raw(number, 0, 0, 0, 0, 0, 0)
extern const char call_site[];

static void trapped(int number, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;
    const greg_t *registers = uc->uc_mcontext.gregs;
    printf("signal %d errno %d code %d call %d arch %x site %d rip %d rax %lld rcx %d r11 %d\n", number,
           info->si_errno, info->si_code, info->si_syscall, info->si_arch,
           info->si_call_addr == (void *)call_site, (char *)registers[REG_RIP] == call_site,
           registers[REG_RAX], registers[REG_RCX] == registers[REG_RIP],
           registers[REG_R11] == registers[REG_EFL]);
    ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RAX] = 777;
}

static void *call_in_thread(void *number)
{
    RAW((long)number);
    return 0;
}

static void run(const char *name, int which)
{
    pid_t pid = fork();
    if (pid != 0) {
        int status;
        waitpid(pid, &status, 0);
        printf("%s: %s %d\n", name, WIFSIGNALED(status) ? "signal" : "exit",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        return;
    }
    struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
    pthread_t thread;
    switch (which) {
    case 0:
        answer(SYS_getppid, SECCOMP_RET_ERRNO | 7);
        answer(SYS_gettid, SECCOMP_RET_ERRNO);
        answer(SYS_getuid, SECCOMP_RET_ERRNO | 5000);
        answer(5000, SECCOMP_RET_ERRNO | 1);
        answer(0x40000000 | SYS_getpid, SECCOMP_RET_ERRNO | 2);
        answer(-1, SECCOMP_RET_ERRNO | 3);
        printf("%ld %ld %ld %ld %ld %ld\n", RAW(SYS_getppid), RAW(SYS_gettid), RAW(SYS_getuid), RAW(5000),
               RAW(0x40000000 | SYS_getpid), RAW(-1));
        printf("%ld\n", RAW(0x7700000000L | SYS_getppid)); /* the number is 32 bits wide */
        break;
    case 1:
        sigaction(SIGSYS, &action, 0);
        answer(SYS_getppid, SECCOMP_RET_TRAP | 0x1234);
        printf("%ld\n", RAW(SYS_getppid));
        printf("%ld\n", RAW(0x5500000000L | SYS_getppid));
        break;
    case 2:
        answer(SYS_getppid, SECCOMP_RET_TRAP | 1);
        RAW(SYS_getppid); /* no handler */
        break;
    case 3: {
        sigset_t set;
        sigaction(SIGSYS, &action, 0);
        sigemptyset(&set);
        sigaddset(&set, SIGSYS);
        sigprocmask(SIG_BLOCK, &set, 0);
        answer(SYS_getppid, SECCOMP_RET_TRAP | 1);
        RAW(SYS_getppid); /* blocked */
        break;
    }
    case 4:
        signal(SIGSYS, SIG_IGN);
        answer(SYS_getppid, SECCOMP_RET_TRAP | 1);
        RAW(SYS_getppid);
        break;
    case 5:
        sigaction(SIGSYS, &action, 0);
        answer(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
        RAW(SYS_getppid);
        break;
    case 6:
        answer(SYS_getppid, SECCOMP_RET_KILL_THREAD);
        RAW(SYS_getppid);
        break;
    case 7:
        answer(SYS_getppid, SECCOMP_RET_KILL_THREAD);
        pthread_create(&thread, 0, call_in_thread, (void *)(long)SYS_getppid);
        pthread_join(thread, 0);
        printf("the other thread is gone\n");
        break;
    case 8:
        answer(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
        pthread_create(&thread, 0, call_in_thread, (void *)(long)SYS_getppid);
        pthread_join(thread, 0);
        printf("not reached\n");
        break;
    case 9:
        answer(SYS_getppid, SECCOMP_RET_TRACE | 5);
        answer(SYS_getuid, SECCOMP_RET_USER_NOTIF);
        answer(SYS_geteuid, SECCOMP_RET_LOG);
        answer(SYS_getgid, 0x12340000); /* no action has this value */
        printf("%ld %ld %d\n", RAW(SYS_getppid), RAW(SYS_getuid), RAW(SYS_geteuid) >= 0);
        RAW(SYS_getgid);
        break;
    case 10: /* the strongest wins; of equal ones the newest */
        answer(SYS_getppid, SECCOMP_RET_ERRNO | 1);
        answer(SYS_getppid, SECCOMP_RET_TRACE);
        answer(SYS_getppid, SECCOMP_RET_ERRNO | 2);
        answer(SYS_getppid, SECCOMP_RET_LOG);
        printf("%ld\n", RAW(SYS_getppid));
        sigaction(SIGSYS, &action, 0);
        answer(SYS_getppid, SECCOMP_RET_TRAP | 9);
        printf("%ld\n", RAW(SYS_getppid));
        answer(SYS_getppid, SECCOMP_RET_KILL_THREAD);
        answer(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
        answer(SYS_getppid, SECCOMP_RET_TRAP | 10);
        RAW(SYS_getppid);
        break;
    case 11: /* calls that are never the kernel's alone */
        answer(SYS_mmap, SECCOMP_RET_ERRNO | 11);
        answer(SYS_brk, SECCOMP_RET_ERRNO | 12);
        answer(SYS_rt_sigaction, SECCOMP_RET_ERRNO | 13);
        answer(SYS_openat, SECCOMP_RET_ERRNO | 14);
        answer(SYS_clone, SECCOMP_RET_ERRNO | 15);
        answer(SYS_execve, SECCOMP_RET_ERRNO | 16);
        answer(SYS_rseq, SECCOMP_RET_ERRNO | 17);
        answer(SYS_close, SECCOMP_RET_ERRNO | 18);
        answer(SYS_uselib, SECCOMP_RET_ERRNO | 19);
        answer(SYS_exit_group, SECCOMP_RET_ERRNO | 20);
        printf("%ld %ld %ld %ld %ld %ld %ld %ld %ld %ld\n", RAW(SYS_mmap), RAW(SYS_brk),
               RAW(SYS_rt_sigaction), RAW(SYS_openat), RAW(SYS_clone), RAW(SYS_execve), RAW(SYS_rseq),
               RAW(SYS_close), RAW(SYS_uselib), RAW(SYS_exit_group));
        RAW(SYS_exit);
        break;
    case 12: /* arguments, their upper halves, and where the call stands */
        argument(SYS_getppid, 0, 0x1122334455667788);
        argument(SYS_getuid, 5, 0x8877665544332211);
        site(SYS_getgid, (uintptr_t)call_site);
        printf("%ld %d\n", raw(SYS_getppid, 0x1122334455667788, 0, 0, 0, 0, 0),
               raw(SYS_getppid, 0x1122334555667788, 0, 0, 0, 0, 0) > 0);
        printf("%ld %d\n", raw(SYS_getuid, 0, 0, 0, 0, 0, 0x8877665544332211),
               raw(SYS_getuid, 0, 0, 0, 0, 0, 0x77665544332211) >= 0);
        printf("%ld %d\n", RAW(SYS_getgid), (int)syscall(SYS_getgid) >= 0);
        break;
    case 13: /* a handler's way back is a call like any other */
        sigaction(SIGUSR1, &action, 0);
        answer(SYS_rt_sigreturn, SECCOMP_RET_KILL_PROCESS);
        raise(SIGUSR1);
        break;
    case 14:
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
            _exit(1);
        if (write(1, "strict\n", 7) != 7)
            RAW(SYS_exit);
        RAW(SYS_exit);
        break;
    case 15:
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, 0) != 0)
            _exit(1);
        RAW(SYS_getpid);
        break;
    case 16: /* the counter goes with strict mode */
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
        __builtin_ia32_rdtsc();
        RAW(SYS_exit);
        break;
    case 17: { /* a fault's numbers stay in later frames, as the kernel leaves them */
        answer(SYS_getppid, SECCOMP_RET_TRAP | 3);
        action.sa_flags |= SA_NODEFER | SA_RESETHAND;
        sigaction(SIGSYS, &action, 0);
        RAW(SYS_getppid);
        RAW(SYS_getppid);
        break;
    }
    }
    exit(which);
}

int main(void)
{
    static const char *const names[] = {
        "errno",       "trap",        "trap default", "trap blocked", "trap ignored", "kill process",
        "kill thread", "kill one",    "kill all",     "others",       "precedence",   "virtual calls",
        "arguments",   "sigreturn",   "strict",       "strict death", "strict tsc",   "reset handler",
    };
    struct rlimit none = {0, 0};
    setvbuf(stdout, 0, _IONBF, 0);
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++)
        run(names[i], i);
    return 0;
}
