/* Tests: handlers on an alternate stack, nested, masks while they run, SA_RESETHAND, SA_NODEFER, the
 * red zone and the vector registers of the interrupted code. Expected: status 0, prints relations. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char stack[65536];
static volatile int on_stack, nested, blocked, depth;

static void handler(int number)
{
    char here;
    on_stack += &here > stack && &here < stack + sizeof stack;
    sigset_t now;
    sigprocmask(SIG_BLOCK, 0, &now);
    blocked += sigismember(&now, number);
    double clobber = 0;
    for (int i = 0; i < 10; i++)
        clobber += i * 1.5;
    if (depth++ == 0 && clobber > 1)
        raise(SIGUSR2);
    depth--;
    nested++;
}

int main(void)
{
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack}, old;
    sigaltstack(&alternate, 0);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, 0);
    sigaction(SIGUSR2, &action, 0);
    unsigned long red = 0x1122334455667788, back = 0;
    double vector[2] = {1.25, 2.5}, vector_back[2];
    pid_t self = getpid();
    __asm__ volatile("mov %3, -64(%%rsp)\n movupd %4, %%xmm9\n mov $62, %%eax\n syscall\n mov -64(%%rsp), %0\n movupd %%xmm9, %1"
                     : "=&r"(back), "=m"(vector_back)
                     : "D"((long)self), "r"(red), "m"(vector), "S"((long)SIGUSR1)
                     : "rax", "rcx", "r11", "xmm9", "memory");
    sigaltstack(0, &old);
    printf("%d %d %d %d %d %d\n", on_stack, nested, blocked, back == red, !memcmp(vector, vector_back, 16),
           old.ss_sp == stack);
    action.sa_flags = SA_RESETHAND | SA_NODEFER;
    sigaction(SIGUSR1, &action, 0);
    depth = 1;
    raise(SIGUSR1);
    sigaction(SIGUSR1, 0, &action);
    printf("%d %d\n", nested, action.sa_handler == SIG_DFL);
    return 0;
}
