"""Small programs that the tests of profiles run, compiled with debug information."""

from __future__ import annotations

import subprocess
from pathlib import Path

#: Two functions of very different cost, one called a known number of times.
HOT = """\
#include <unistd.h>
static volatile unsigned long sink;
__attribute__((noinline)) void cold(void) { sink++; }
__attribute__((noinline)) void hot(unsigned long rounds)
{
    for (unsigned long at = 0; at < rounds; at++) {
        sink += at * at; /* hottest */
    }
}
int main(int argc, char **argv)
{
    (void)argv;
    for (int at = 0; at < 1000; at++) {
        cold();
    }
    hot(argc > 1 ? 100000 : 150000000);
    return argc;
}
"""
HOT_LINE = 1 + HOT.splitlines().index("        sink += at * at; /* hottest */")

#: Dies in the way that its argument names, after some work.
DIES = """\
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
static volatile unsigned long sink;
int main(int argc, char **argv)
{
    for (unsigned long at = 0; at < 60000000; at++) {
        sink += at;
    }
    switch (argc > 1 ? argv[1][0] : 0) {
    case 'c': *(volatile int *)8 = 1; return 0;
    case 'k': kill(getpid(), SIGKILL); return 0;
    case '_': _exit(7);
    default: abort();
    }
}
"""

#: A forked child, a thread, and a program executed by another child.
TREE = """\
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile unsigned long sink;
__attribute__((noinline)) void in_child(void)
{
    for (unsigned long at = 0; at < 60000000; at++) {
        sink += at;
    }
}
__attribute__((noinline)) void *in_thread(void *none)
{
    in_child();
    return none;
}
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, 0, in_thread, 0);
    if (fork() == 0) {
        in_child();
        _exit(0);
    }
    if (fork() == 0) {
        execl("/bin/true", "true", (char *)0);
    }
    pthread_join(thread, 0);
    while (wait(0) > 0) {
    }
    return 0;
}
"""


def compile_program(
    directory: Path, name: str, source: str, *flags: str, compiler: str = "gcc"
) -> Path:
    """Compiles a program with debug information; answers where it lies."""
    text = directory / f"{name}.{'cc' if compiler == 'g++' else 'c'}"
    text.write_text(source)
    command = [compiler, "-O1", "-g", "-fno-pie", "-no-pie", "-pthread", *flags]
    subprocess.run([*command, "-o", str(directory / name), str(text)], check=True)
    return directory / name

#: Threads and a child that call the same function a known number of times each.
CALLS = """\
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#define THREADS 4
#define CALLS 200000
__attribute__((noinline)) int counted(int value)
{
    __asm__ volatile("" : "+r"(value));
    return value + 1;
}
static void *work(void *none)
{
    int value = 0;
    for (int at = 0; at < CALLS; at++) {
        value = counted(value);
    }
    return none;
}
int main(void)
{
    pthread_t threads[THREADS];
    if (fork() == 0) {
        work(0);
        _exit(0);
    }
    for (int at = 0; at < THREADS; at++) {
        pthread_create(&threads[at], 0, work, 0);
    }
    for (int at = 0; at < THREADS; at++) {
        pthread_join(threads[at], 0);
    }
    wait(0);
    return 0;
}
"""
THREADS, CALLS_EACH = 4, 200_000

#: Lines that are executed and lines that are not, in two functions.
BRANCHES = """\
#include <stdio.h>
static int classify(int value)
{
    if (value < 0) {
        return -1;
    }
    if (value % 3 == 0) {
        value += 10;
    } else {
        value -= 1;
    }
    return value;
}
static void never(void)
{
    puts("never");
}
int main(int argc, char **argv)
{
    int sum = 0;
    (void)argv;
    for (int at = 0; at < 9; at++) {
        sum += classify(at);
    }
    if (argc > 5) {
        never();
    }
    printf("%d\\n", sum);
    return 0;
}
"""

#: Calls two functions in turns whose addresses share a slot of the table of indirect targets.
COLLIDES = """\
__asm__(".globl _start\\n.balign 65536\\none: ret\\n.balign 65536\\nother: ret\\n"
        "_start: mov $1000, %ebx\\n"
        "again: lea one(%rip), %rax\\n call *%rax\\n"
        "lea other(%rip), %rax\\n call *%rax\\n"
        "dec %ebx\\n jnz again\\n"
        "xor %edi, %edi\\n mov $231, %eax\\n syscall");
"""
COLLISIONS = 2000

#: Calls in many ways: direct, recursive, mutual, by pointer, by a jump, by libc.
CALLERS = """\
#include <stdlib.h>
static volatile int sink;
__attribute__((noinline)) void leaf(int n) { sink += n; }
__attribute__((noinline)) void tail(int n) { sink++; leaf(n); }
__attribute__((noinline)) int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
int even(int n);
__attribute__((noinline)) int odd(int n) { sink++; return n ? 1 + even(n - 1) : 0; }
__attribute__((noinline)) int even(int n) { sink++; return n ? 1 + odd(n - 1) : 0; }
static void (*const table[])(int) = {leaf, tail};
int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void)
{
    int values[200];
    for (int at = 0; at < 200; at++) {
        values[at] = at * 7919 % 200;
    }
    qsort(values, 200, sizeof *values, compare);
    for (int at = 0; at < 1000; at++) {
        table[at % 4 == 0](at);
    }
    return fib(15) + even(20) > 0 ? 0 : 1;
}
"""

#: Calls by a pointer, as its argument says how often each of two, while a timer's signals come.
INTERRUPTED = """\
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
static volatile int sink;
__attribute__((noinline)) void one(void) { sink++; }
__attribute__((noinline)) void two(void) { sink--; }
static void handler(int number) { (void)number; }
static void (*volatile table[])(void) = {one, two};
int main(int argc, char **argv)
{
    struct itimerval each = {{0, 200}, {0, 200}};
    int rounds = argc > 1 ? atoi(argv[1]) : 0;
    signal(SIGALRM, handler);
    setitimer(ITIMER_REAL, &each, 0);
    for (int at = 0; at < 2 * rounds; at++) {
        table[at & 1]();
    }
    return 0;
}
"""

#: Two executed functions, without libc: `-nostdlib -static`.
ALONE = """\
static volatile int sum;
__attribute__((noinline)) static void add(void) { sum++; }
void _start(void)
{
    for (int at = 0; at < 9; at++) {
        add();
    }
    __asm__ volatile("syscall" : : "a"(231), "D"(0));
}
"""
ALONE_FLAGS = ("-nostdlib", "-static")
