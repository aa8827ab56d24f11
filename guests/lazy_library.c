/* Tests: the library of lazy_binding.c: calls through its own table, and functions of the C library's names that
 * count and pass calls on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <immintrin.h>
#include <stdlib.h>
#include <unistd.h>

int library_calls;
double ldexp(double, int); /* in the C library itself, too */

/* Of the program. */
double called_back(double, double, double, double, double, double, double, double, long, long, long, long, long, long,
                   long);

int getpagesize(void)
{
    int (*next)(void) = (int (*)(void))dlsym(RTLD_NEXT, "getpagesize");
    library_calls++;
    return next() + 1;
}

long strtol(const char *restrict text, char **restrict end, int base)
{
    long (*next)(const char *, char **, int) = (long (*)(const char *, char **, int))dlsym(RTLD_NEXT, "strtol");
    library_calls++;
    return next(text, end, base) * 2;
}

/* 32-byte vectors as arguments: their upper halves come through the resolver, too. */
__attribute__((target("avx"), noinline)) __m256d library_vectors(__m256d a, __m256d b, __m256d c, double d)
{
    return _mm256_add_pd(_mm256_add_pd(a, b), _mm256_mul_pd(c, _mm256_set1_pd(d)));
}

__attribute__((target("avx"), noinline)) static double with_vectors(void)
{
    double out[4];
    __m256d sum = library_vectors(_mm256_set_pd(1, 2, 3, 4), _mm256_set_pd(10, 20, 30, 40), _mm256_set1_pd(100), 0.5);
    _mm256_storeu_pd(out, sum);
    return out[0] + 2 * out[1] + 4 * out[2] + 8 * out[3];
}

double library_work(double (*back)(double, double, double, double, double, double, double, double, long, long, long,
                                   long, long, long, long))
{
    double sum = called_back(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    sum += back(8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6) + ldexp(sum, -3) + strtod("0.25", 0);
    if (__builtin_cpu_supports("avx"))
        sum += with_vectors() - (double)(4 + 40 + 50 + 2 * (3 + 30 + 50) + 4 * (2 + 20 + 50) + 8 * (1 + 10 + 50));
    library_calls += 100;
    return sum;
}
