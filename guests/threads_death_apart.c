/* Tests: of processes that share memory and handlers, one that dies by a fault takes nothing from the
 * others: their code may change, their handlers run, the status is the fault's. Expected: status 0,
 * prints a line for each signal. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[262144] __attribute__((aligned(16)));
static volatile int handled;
static int (*code)(void);
static char *volatile nowhere = (char *)16;

static int die_by_fault(void *number)
{
    switch (*(int *)number) {
    case SIGSEGV:
        *(volatile int *)nowhere = 0;
        break;
    case SIGILL:
        __asm__ volatile("ud2");
        break;
    case SIGFPE:
        __asm__ volatile("div %b0" : : "r"(0), "a"(1));
        break;
    default:
        kill(getpid(), *(int *)number);
    }
    return 1;
}

static int die_in_parts(void *number)
{
    /* The one in the middle goes first: its child shares the first one's handlers. */
    static char inner[65536] __attribute__((aligned(16)));
    pid_t child = clone(die_by_fault, inner + sizeof inner, CLONE_VM | CLONE_SIGHAND | SIGCHLD, number);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? die_by_fault(number) : 2;
}

static void handler(int number)
{
    handled += number;
}

static int change_code(int value)
{
    unsigned char bytes[6] = {0xb8, 0, 0, 0, 0, 0xc3}; /* mov eax, value; ret */
    memcpy(bytes + 1, &value, 4);
    memcpy((void *)code, bytes, sizeof bytes);
    return code();
}

int main(void)
{
    static int numbers[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGTRAP};
    int (*const ways[])(void *) = {die_by_fault, die_in_parts};
    setvbuf(stdout, 0, _IONBF, 0);
    code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGUSR1, &action, 0);
    for (unsigned at = 0; at < 10; at++) {
        int before = change_code((int)at);
        pid_t child = clone(ways[at % 2], stack + sizeof stack, CLONE_VM | CLONE_SIGHAND | SIGCHLD,
                            &numbers[at / 2]);
        int status = 0;
        pid_t waited = waitpid(child, &status, 0);
        int after = change_code((int)at + 100);
        raise(SIGUSR1);
        printf("%d: %s, %d then %d, handled %d\n", numbers[at / 2],
               waited == child && WIFSIGNALED(status) && WTERMSIG(status) == numbers[at / 2] ? "died" : "?",
               before, after, handled);
    }
    return 0;
}
