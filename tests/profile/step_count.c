/* Counts the instructions that a program executes, by stepping through it with the processor's trap flag:
 * nothing of dbt is involved. Signals reach the program. Prints the count on the
 * descriptor that the first argument names. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    unsigned long count = 0;
    int status = 0;
    pid_t pid = fork();
    if (argc < 3 || pid < 0) {
        return 2;
    }
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        close(atoi(argv[1]));
        execv(argv[2], argv + 2);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    while (WIFSTOPPED(status)) {
        int number = WSTOPSIG(status);
        count += number == SIGTRAP;
        if (ptrace(PTRACE_SINGLESTEP, pid, 0, number == SIGTRAP ? 0 : number) != 0) {
            break;
        }
        waitpid(pid, &status, 0);
    }
    dprintf(atoi(argv[1]), "%lu\n", count);
    return 0;
}
