/* Counts the instructions that a program executes, by stepping through it with the processor's trap flag:
 * nothing of dbt is involved. Signals reach the program. A repeated string instruction counts once, though
 * each round traps. Prints the count on the descriptor that the first argument names. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether the instruction there has a prefix that repeats it. */
static int repeats(pid_t pid, unsigned long at)
{
    unsigned long word = (unsigned long)ptrace(PTRACE_PEEKTEXT, pid, at, 0);
    for (; word != 0; word >>= 8) {
        switch (word & 0xff) {
        case 0xf2:
        case 0xf3:
            return 1;
        case 0x64:
        case 0x65:
        case 0x66:
        case 0x67:
            break;
        default:
            return 0;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long count = 0;
    unsigned long before = 0;
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
        struct user_regs_struct registers;
        if (ptrace(PTRACE_GETREGS, pid, 0, &registers) != 0) {
            break;
        }
        count += number == SIGTRAP && (registers.rip != before || !repeats(pid, registers.rip));
        before = registers.rip;
        if (ptrace(PTRACE_SINGLESTEP, pid, 0, number == SIGTRAP ? 0 : number) != 0) {
            break;
        }
        waitpid(pid, &status, 0);
    }
    dprintf(atoi(argv[1]), "%lu\n", count);
    return 0;
}
