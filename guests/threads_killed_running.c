/* Tests: a process that shares memory is killed inside one long instruction; before anybody waits for
 * it, the parent runs more code than a small cache holds: nobody waits for the dead one to leave it.
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
#define READ_BYTES (1UL << 29)

static char stack[65536] __attribute__((aligned(16)));
static volatile int started;

static int child(void *argument)
{
    for (;;) {
        const void *from = argument;
        unsigned long count = READ_BYTES;
        started = 1;
        __asm__ volatile("rep lodsb" : "+S"(from), "+c"(count) : : "rax", "memory");
    }
    return 0;
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
    void *zeroes =
        mmap(0, READ_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int killed = 0;
    long sum = 0;
    for (int round = 0; round < 20; round++) {
        started = 0;
        pid_t process = clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, zeroes);
        while (!started) {
            usleep(50);
        }
        usleep(1000);
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
