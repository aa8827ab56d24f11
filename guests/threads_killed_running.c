/* Tests: a process that shares memory and only computes is killed; before anybody waits for it, the
 * parent runs more code than a small cache holds: nobody waits for the dead one to leave it.
 * Expected: prints 20 and a sum, status 0. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUNCTIONS 2000
#define FUNCTION_BYTES 64

static char stack[65536] __attribute__((aligned(16)));
static volatile unsigned long counted;

static int child(void *argument)
{
    for (;;) {
        counted++;
    }
    return argument != 0;
}

int main(void)
{
    unsigned char *code = mmap(0, FUNCTIONS * FUNCTION_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int at = 0; at < FUNCTIONS; at++) {
        unsigned char *function = code + at * FUNCTION_BYTES;
        function[0] = 0xb8; /* mov eax, at; ret */
        memcpy(function + 1, &at, 4);
        function[5] = 0xc3;
    }
    int killed = 0;
    long sum = 0;
    for (int round = 0; round < 20; round++) {
        counted = 0;
        pid_t process = clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, 0);
        while (counted < 1000) {
            usleep(50);
        }
        kill(process, SIGKILL);
        siginfo_t info;
        waitid(P_PID, (id_t)process, &info, WEXITED | WNOWAIT);
        for (int at = 0; at < FUNCTIONS; at++) {
            sum += ((int (*)(void))(code + at * FUNCTION_BYTES))();
        }
        int status;
        waitpid(process, &status, 0);
        killed += WIFSIGNALED(status);
    }
    printf("%d %ld\n", killed, sum);
    return 0;
}
