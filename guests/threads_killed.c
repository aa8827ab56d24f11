/* Tests: a process that shares its parent's memory is killed at any moment of its work on mappings and on
 * new code. Natively the parent goes on; translated it may have to end, in one line, but it never hangs.
 * Expected: prints the number of children, status 0. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 300

static char stack[65536] __attribute__((aligned(16)));
static volatile int started;

static int child(void *argument)
{
    static const unsigned char code[] = {0xb8, 1, 0, 0, 0, 0xc3}; /* mov eax, 1; ret */
    started = 1;
    for (;;) {
        unsigned char *page =
            mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memcpy(page, code, sizeof code);
        ((int (*)(void))page)();
        munmap(page, 4096);
    }
    return argument != 0;
}

int main(void)
{
    int killed = 0;
    for (int round = 0; round < CHILDREN; round++) {
        started = 0;
        pid_t process = clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, 0);
        while (!started) {
            usleep(50);
        }
        usleep((unsigned)(round * 37 % 200));
        kill(process, SIGKILL);
        int status;
        waitpid(process, &status, 0);
        killed += WIFSIGNALED(status);
        void *page = mmap(0, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        munmap(page, 8192);
    }
    printf("%d\n", killed);
    return 0;
}
