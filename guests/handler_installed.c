/* Tests: a handler is installed, read back and never called: the run is as if it were not there; a
 * child after fork sees it too, exec puts it back to the default. Expected: status 0. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void handler(int number) { _exit(100 + number); }

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
    if (argc > 1) {
        sigaction(SIGINT, 0, &old);
        printf("after exec %d\n", old.sa_handler == SIG_DFL);
        return 0;
    }
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(SIGINT, &action, 0);
    sigaction(SIGINT, 0, &old);
    printf("%d %d %d\n", old.sa_handler == handler, (old.sa_flags & SA_RESTART) != 0,
           sigismember(&old.sa_mask, SIGTERM));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        sigaction(SIGINT, 0, &old);
        _exit(old.sa_handler == handler);
    }
    int status;
    waitpid(child, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
    fflush(stdout);
    execl("/proc/self/exe", argv[0], "again", (char *)0);
    return 1;
}
