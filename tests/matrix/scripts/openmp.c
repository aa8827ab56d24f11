/* Parallel loops, reductions, tasks and a critical section of libgomp. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

static long fib(int n)
{
    long a, b;
    if (n < 2)
        return n;
    if (n < 12)
        return fib(n - 1) + fib(n - 2);
#pragma omp task shared(a)
    a = fib(n - 1);
    b = fib(n - 2);
#pragma omp taskwait
    return a + b;
}

int main(int count, char **words)
{
    int rounds = count > 1 ? atoi(words[1]) : 10;
    static double values[20000];
    long sum = 0, most = 0, result = 0;
    omp_set_num_threads(4);
    for (int round = 0; round < rounds; round++) {
#pragma omp parallel for schedule(dynamic, 500)
        for (int i = 0; i < 20000; i++)
            values[i] = (i * 7919 % 1000) * 0.5 + round;
#pragma omp parallel for reduction(+ : sum)
        for (int i = 0; i < 20000; i++)
            sum += (long)(values[i] * 2);
#pragma omp parallel for
        for (int i = 0; i < 200; i++) {
#pragma omp critical
            most = i * round > most ? i * round : most;
        }
    }
#pragma omp parallel
#pragma omp single
    result = fib(22);
    printf("%ld %ld %ld\n", sum, most, result);
    return 0;
}
