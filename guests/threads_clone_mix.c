/* Tests: what processes share is what their clone flags say: memory, descriptors, the working directory
 * and handlers, in every mix that the kernel allows, also for a process that shares memory and runs on.
 * Expected: prints a line for each mix, status 0. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int word;
static volatile int handled;
static char stack[262144] __attribute__((aligned(16)));

static void first(int number)
{
    handled += number;
}

static void second(int number)
{
    handled += 100 * number;
}

static int child(void *argument)
{
    (void)argument;
    word = 1;
    int descriptor = open("/dev/null", O_RDONLY);
    if (dup2(descriptor, 500) != 500 || chdir("/usr") != 0) {
        return 2;
    }
    struct sigaction action = {.sa_handler = second};
    sigaction(SIGUSR1, &action, 0);
    return 3;
}

static void mix(unsigned long flags)
{
    char where[64] = "?";
    word = handled = 0;
    struct sigaction action = {.sa_handler = first};
    sigaction(SIGUSR1, &action, 0);
    if (chdir("/") != 0) {
        return;
    }
    pid_t process = clone(child, stack + sizeof stack, (int)flags | SIGCHLD, 0);
    int status = -1;
    if (process > 0) {
        waitpid(process, &status, 0);
    }
    raise(SIGUSR1);
    int has_descriptor = fcntl(500, F_GETFD) != -1;
    close(500);
    printf("%05lx: %d memory %d files %d directory %s handled %d\n", flags,
           process > 0 ? WEXITSTATUS(status) : -errno, word, has_descriptor,
           getcwd(where, sizeof where), handled);
}

int main(void)
{
    setvbuf(stdout, 0, _IONBF, 0);
    static const unsigned long parts[] = {CLONE_FS, CLONE_FILES, CLONE_VFORK, CLONE_SIGHAND};
    for (unsigned bits = 0; bits < 32; bits++) {
        unsigned long flags = bits & 16 ? CLONE_VM : 0;
        for (unsigned at = 0; at < 4; at++) {
            flags |= bits & 1U << at ? parts[at] : 0;
        }
        mix(flags);
    }
    return 0;
}
