/* Tests: rdtsc and rdtscp advance, the vdso's clocks agree with the kernel's, sleeping takes its time.
 * Expected: status 0, prints "ok". */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

static long long nanoseconds(struct timespec t) { return t.tv_sec * 1000000000ll + t.tv_nsec; }

int main(void)
{
    unsigned processor;
    struct timespec one, two, three;
    for (int i = 0; i < 100; i++) {
        unsigned long long before = __rdtsc(), middle = __rdtscp(&processor), after = __rdtsc();
        if (before > middle || middle > after)
            return 1;
        clock_gettime(CLOCK_MONOTONIC, &one);
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &two);
        clock_gettime(CLOCK_MONOTONIC, &three);
        if (nanoseconds(one) > nanoseconds(two) || nanoseconds(two) > nanoseconds(three))
            return 2;
    }
    struct timespec pause = {0, 20000000};
    nanosleep(&pause, 0);
    clock_gettime(CLOCK_MONOTONIC, &two);
    if (nanoseconds(two) - nanoseconds(three) < 20000000)
        return 3;
    if (time(0) < 1600000000)
        return 4;
    puts("ok");
    return 0;
}
