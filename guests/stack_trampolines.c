/* Tests: code on the stack, as gcc makes it for nested functions: trampolines called through pointers, at the
 * same address for other functions and other frames, in a recursion, in qsort's callbacks, on a signal stack and
 * on the stacks of threads, with a loop that writes beside them all the time.
 * Expected: status 0, prints sums. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

typedef unsigned long (*function)(unsigned long);

/* Each call has its own frame at the same place: other code (the address of the frame) behind one pointer. */
__attribute__((noinline)) static unsigned long apply(function f, unsigned long value)
{
    volatile unsigned long beside[8];
    for (int i = 0; i < 8; i++)
        beside[i] = value + (unsigned long)i;
    return f(beside[7]);
}

__attribute__((noinline)) static unsigned long add(unsigned long by)
{
    unsigned long inner(unsigned long value) { return value + by; }
    return apply(inner, by * 3);
}

__attribute__((noinline)) static unsigned long multiply(unsigned long by)
{
    unsigned long inner(unsigned long value) { return value * by; }
    return apply(inner, by * 5);
}

/* Knuth's man or boy: a function of an outer frame is called from deep below it. */
static int man_or_boy(int k, int (*a)(void), int (*b)(void), int (*c)(void), int (*d)(void), int (*e)(void))
{
    int next(void)
    {
        k--;
        return man_or_boy(k, next, a, b, c, d);
    }
    return k <= 0 ? d() + e() : next();
}

static int one(void) { return 1; }
static int minus_one(void) { return -1; }
static int zero(void) { return 0; }

static unsigned long sorted(unsigned count, int descends)
{
    unsigned values[500], compared = 0;
    int compare(const void *left, const void *right)
    {
        unsigned a = *(const unsigned *)left, b = *(const unsigned *)right;
        compared++;
        return descends ? (a < b) - (a > b) : (a > b) - (a < b);
    }
    for (unsigned i = 0; i < count; i++)
        values[i] = i * 2654435761u % 10007;
    qsort(values, count, sizeof *values, compare);
    return values[0] * 31ul + values[count - 1] + compared;
}

static unsigned long work(unsigned rounds)
{
    unsigned long sum = 0;
    for (unsigned long i = 0; i < rounds; i++)
        sum = sum * 31 + (i % 3 ? add(i) : multiply(i));
    return sum;
}

static void *in_thread(void *argument)
{
    unsigned long *result = argument;
    *result = work(2000 + (unsigned)*result) + sorted(300, 1);
    return 0;
}

static volatile unsigned long handled;

static void handler(int number)
{
    unsigned long inner(unsigned long value) { return value + (unsigned long)number; }
    handled = handled * 31 + apply(inner, handled);
}

static unsigned long on_signal_stack(void)
{
    stack_t stack = {.ss_size = 65536};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    if (posix_memalign(&stack.ss_sp, 65536, 65536))
        return 1;
    /* The C library's memory is not executable. */
    extern int mprotect(void *, unsigned long, int);
    if (mprotect(stack.ss_sp, 65536, 7) || sigaltstack(&stack, 0) || sigaction(SIGUSR1, &action, 0))
        return 2;
    for (int i = 0; i < 200; i++)
        raise(SIGUSR1);
    return handled;
}

int main(void)
{
    printf("%lu\n", work(20000));
    printf("%d\n", man_or_boy(10, one, minus_one, minus_one, one, zero));
    printf("%lu %lu\n", sorted(500, 0), sorted(500, 1));
    printf("%lu\n", on_signal_stack());
    pthread_t threads[4];
    unsigned long results[4] = {0, 1, 2, 3};
    for (int i = 0; i < 4; i++)
        pthread_create(threads + i, 0, in_thread, results + i);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], 0);
        printf("%lu\n", results[i]);
    }
    return 0;
}
