/* Tests: vfork in a vfork child, 1,300 deep, each with a mapping of its own: all of them share one
 * address space, and more processes live at once than the session has slabs for. Prints how many children
 * ran and how many were waited for. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int ran, reaped;

static void nest(int depth)
{
    pid_t child = vfork();
    if (child == 0) {
        if (mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) {
            _exit(100);
        }
        if (depth > 1) {
            nest(depth - 1);
        }
        ran++;
        _exit(depth % 100);
    }
    int status;
    if (child > 0 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == depth % 100) {
        reaped++;
    }
}

int main(void)
{
    nest(1300);
    printf("%d %d\n", ran, reaped);
    return 0;
}
