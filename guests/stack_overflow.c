/* Tests: unbounded recursion ends in SIGSEGV at the stack limit. Expected: death by SIGSEGV. */
#include <stdio.h>

__attribute__((noinline)) static unsigned deep(unsigned level)
{
    volatile unsigned frame[200];
    frame[level % 200] = level;
    return deep(level + 1) + frame[(level + 1) % 200];
}

int main(void) { return (int)deep(0); }
