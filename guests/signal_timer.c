/* Tests: a timer interrupts a computation many times without changing its result.
 * The argument says how long it is. Expected: status 0, prints the result and whether the timer fired. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

static volatile int ticks;
static void handler(int number) { (void)number; ticks++; }

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 50000000;
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct itimerval timer = {{0, 1000}, {0, 1000}};
    unsigned x = 1;
    unsigned long sum = 0;
    sigaction(SIGALRM, &action, 0);
    setitimer(ITIMER_REAL, &timer, 0);
    while (ticks < 20)
        ;
    for (int i = 0; i < rounds; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        sum += x & 15;
    }
    printf("%lu %d\n", sum, ticks >= 20);
    return 0;
}
