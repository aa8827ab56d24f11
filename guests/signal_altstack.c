/* Tests: sigaltstack: sizes and modes it refuses, SS_AUTODISARM, no change while on it, what frames and
 * queries show, nested handlers on it, and SIGSEGV when a frame overflows it; fork keeps it.
 * Expected: status 0, prints relations. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif
#define SIZE 65536
static char *area, *other;
static int in_handler;

static void set(const char *what, void *pointer, unsigned flags, size_t size)
{
    stack_t wanted = {.ss_sp = pointer, .ss_flags = (int)flags, .ss_size = size}, old;
    memset(&old, 0x55, sizeof old);
    int result = sigaltstack(&wanted, &old);
    int failed = result ? errno : 0;
    printf("%s: %d, was %d %x %zx", what, failed, old.ss_sp == area ? 1 : old.ss_sp == other ? 2 : old.ss_sp == 0 ? 0 : 9,
           (unsigned)old.ss_flags, failed ? 0 : old.ss_size);
    sigaltstack(0, &old);
    printf(", is %d %x %zx\n", old.ss_sp == area ? 1 : old.ss_sp == other ? 2 : old.ss_sp == 0 ? 0 : 9,
           (unsigned)old.ss_flags, old.ss_size);
}

static void handler(int number, siginfo_t *info, void *context)
{
    ucontext_t *user = context;
    char *here = __builtin_frame_address(0);
    (void)info;
    printf("handler %d on %d, frame says %d %x %zx\n", number, here > area && here <= area + SIZE ? 1
           : here > other && here <= other + SIZE ? 2 : 0,
           user->uc_stack.ss_sp == area ? 1 : user->uc_stack.ss_sp == other ? 2 : 0, (unsigned)user->uc_stack.ss_flags,
           user->uc_stack.ss_size);
    if (in_handler++ == 0 && number == SIGUSR1) {
        set("in the handler", other, 0, SIZE);
        raise(SIGUSR2);
    }
    in_handler--;
}

static sigjmp_buf back;
static volatile int depth;
static void overflow(int number)
{
    depth++;
    if (number == SIGSEGV)
        siglongjmp(back, 1);
    raise(SIGUSR1);
}

static void child(void (*what)(void))
{
    int status;
    fflush(stdout);
    if (fork() == 0) {
        what();
        fflush(stdout);
        _exit(0);
    }
    wait(&status);
    printf("ended %x\n", status & 0x7f ? status & 0x7f : status);
}

static void die_of_overflow(void)
{
    struct sigaction action = {.sa_handler = overflow, .sa_flags = SA_ONSTACK | SA_NODEFER};
    stack_t small = {.ss_sp = area, .ss_size = 16384};
    sigaltstack(&small, 0);
    sigaction(SIGUSR1, &action, 0);
    raise(SIGUSR1);
}

static void die_of_small(void)
{
    struct sigaction action = {.sa_handler = overflow, .sa_flags = SA_ONSTACK | SA_NODEFER};
    stack_t small = {.ss_sp = area, .ss_size = 2048}; /* the least there may be; frames may be larger */
    printf("small %d\n", sigaltstack(&small, 0) ? errno : 0);
    fflush(stdout);
    depth = 100;
    sigaction(SIGUSR1, &action, 0);
    raise(SIGUSR1);
}

static void no_room_for_handler(void)
{
    struct sigaction action = {.sa_handler = overflow, .sa_flags = SA_ONSTACK | SA_NODEFER};
    stack_t small = {.ss_sp = area, .ss_size = 32768};
    sigaltstack(&small, 0);
    sigaction(SIGUSR1, &action, 0);
    action.sa_flags = 0;
    sigaction(SIGSEGV, &action, 0);
    if (sigsetjmp(back, 1) == 0)
        raise(SIGUSR1); /* the overflow's own frame does not fit either */
    printf("came back\n");
}

static void unwritable(void)
{
    struct sigaction action = {.sa_handler = overflow, .sa_flags = SA_ONSTACK};
    stack_t stack = {.ss_sp = area, .ss_size = SIZE};
    sigaltstack(&stack, 0);
    mprotect(area, SIZE, PROT_READ);
    sigaction(SIGUSR1, &action, 0);
    raise(SIGUSR1);
}

static void inherited(void)
{
    stack_t old;
    sigaltstack(0, &old);
    printf("inherited %d %x\n", old.ss_sp == area, (unsigned)old.ss_flags);
    raise(SIGUSR1);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    area = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    other = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    setvbuf(stdout, 0, _IOFBF, 1 << 16);
    sigaction(SIGUSR1, &action, 0);
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR2, &action, 0);
    set("too small", area, 0, 2047);
    set("bad mode", area, 4, SIZE);
    set("both modes", area, 3, SIZE);
    set("small", area, 0, 2048);
    set("disable", area, SS_DISABLE, 1);
    set("on", area, SS_ONSTACK, SIZE);
    raise(SIGUSR1);
    raise(SIGUSR2);
    child(inherited);
    set("disarm", area, SS_AUTODISARM, SIZE);
    raise(SIGUSR1);
    set("after", area, SS_AUTODISARM | SS_ONSTACK, SIZE);
    raise(SIGUSR1);
    set("disable disarm", area, SS_AUTODISARM | SS_DISABLE, SIZE);
    raise(SIGUSR1);
    printf("%d %d\n", sigaltstack((void *)8, 0) == -1 && errno == EFAULT, sigaltstack(0, (void *)8) == -1 && errno == EFAULT);
    child(die_of_overflow);
    child(die_of_small);
    child(no_room_for_handler);
    child(unwritable);
    return 0;
}
