/* Tests: default dispositions that end the process. argv[1]: a signal's number, sent by kill to
 * itself; "pipe": a write to a closed pipe; "abort". Expected: death by that signal. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int fds[2];
    if (argc < 2 || pipe(fds))
        return 1;
    puts("about to die");
    fflush(stdout);
    if (!strcmp(argv[1], "abort"))
        abort();
    if (!strcmp(argv[1], "pipe")) {
        close(fds[0]);
        return write(fds[1], "x", 1) == 1;
    }
    kill(getpid(), atoi(argv[1]));
    return 2;
}
