/* Tests: fork, wait and pipes: children count and answer, memory is private to each, nested forks.
 * Expected: status 0, prints the children's answers in order. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int shared_name = 1;

int main(void)
{
    int fds[2];
    for (int i = 0; i < 20; i++) {
        if (pipe(fds))
            return 1;
        pid_t child = fork();
        if (child == 0) {
            shared_name += i;
            if (i % 3 == 0) { /* a grandchild */
                pid_t grandchild = fork();
                if (grandchild == 0)
                    _exit(i);
                int status;
                waitpid(grandchild, &status, 0);
                shared_name += 100 * WEXITSTATUS(status);
            }
            if (write(fds[1], &shared_name, sizeof shared_name) != sizeof shared_name)
                _exit(99);
            _exit(i + 1);
        }
        int answer = 0, status = 0;
        if (read(fds[0], &answer, sizeof answer) != sizeof answer || waitpid(child, &status, 0) != child)
            return 2;
        close(fds[0]);
        close(fds[1]);
        printf("%d:%d ", answer, WEXITSTATUS(status));
    }
    printf("%d\n", shared_name);
    return 0;
}
