/* Tests: SIGILL that another process sends to one thread, the next when the last was handled, while a second thread
 * executes so much code that translations go and come all the time. The sender shares a processor with the thread,
 * so that it does not run when the signal is sent. None is lost. Expected: prints the count. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FUNCTIONS 2048
#define FUNCTION_BYTES 64

static struct { volatile int handled, ended; } *shared;
static volatile unsigned long spun;

/* The first processor that may be used, or all others, if there are some. */
static void choose(int first)
{
    cpu_set_t set, one;
    int at = 0;
    sched_getaffinity(0, sizeof set, &set);
    while (!CPU_ISSET(at, &set))
        at++;
    CPU_ZERO(&one);
    CPU_SET(at, &one);
    CPU_CLR(at, &set);
    if (first || CPU_COUNT(&set) > 0)
        sched_setaffinity(0, sizeof set, first ? &one : &set);
}

static void handler(int number)
{
    shared->handled += number == SIGILL;
}

static void *churn(void *argument)
{
    static const unsigned char code[] = {0x8d, 0x47, 0x01, 0xc3}; /* lea eax, [rdi + 1]; ret */
    unsigned char *bytes = mmap(0, FUNCTIONS * FUNCTION_BYTES, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int x = 0;
    sigset_t set;
    (void)argument;
    choose(0);
    sigfillset(&set);
    pthread_sigmask(SIG_BLOCK, &set, 0);
    for (int i = 0; i < FUNCTIONS; i++)
        memcpy(bytes + i * FUNCTION_BYTES, code, sizeof code);
    mprotect(bytes, FUNCTIONS * FUNCTION_BYTES, PROT_READ | PROT_EXEC);
    while (!shared->ended)
        for (int i = 0; i < FUNCTIONS; i++) {
            x = ((int (*)(int))(void *)(bytes + i * FUNCTION_BYTES))(x);
            for (volatile int rest = 0; rest < 5000; rest++) /* for the other thread to get back to its own code */
                ;
        }
    return (void *)(long)(x == -1);
}

static long since_us(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start->tv_sec) * 1000000 + (now.tv_nsec - start->tv_nsec) / 1000;
}

static void send(pid_t pid, int most)
{
    struct timespec start;
    choose(1);
    for (int i = 0; i < most; i++) {
        clock_gettime(CLOCK_MONOTONIC, &start);
        while (since_us(&start) < 300) /* the thread waits for the processor, and is wanted by the other */
            ;
        syscall(SYS_tgkill, pid, pid, SIGILL);
        while (shared->handled <= i) {
            usleep(20);
            if (since_us(&start) > 10000000)
                _exit(1);
        }
    }
    _exit(0);
}

int main(int argc, char **argv)
{
    int most = argc > 1 ? atoi(argv[1]) : 500, status;
    pthread_t thread;
    shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    signal(SIGILL, handler);
    pid_t pid = getpid(), child = fork();
    if (child == 0)
        send(pid, most);
    if (pthread_create(&thread, 0, churn, 0))
        return 1;
    choose(1);
    while (waitpid(child, &status, WNOHANG) == 0)
        for (int i = 0; i < 200000; i++)
            spun++;
    shared->ended = 1;
    pthread_join(thread, 0);
    printf("handled %d\n", shared->handled);
    return WEXITSTATUS(status);
}
