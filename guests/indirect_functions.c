/* Tests: indirect calls of several kinds: virtual-like tables, qsort callbacks, ifunc-resolved libc
 * functions, atexit handlers, constructors. Expected: status 0, prints sums, then "bye". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned calls;
__attribute__((constructor)) static void early(void) { calls += 1000; }
static void late(void) { printf("bye %u\n", calls); }

static int compare(const void *left, const void *right)
{
    calls++;
    unsigned a = *(const unsigned *)left, b = *(const unsigned *)right;
    return a < b ? -1 : a > b;
}

#define OPERATION(n) static unsigned operation##n(unsigned x) { return x * (2 * n + 1) + n; }
OPERATION(0) OPERATION(1) OPERATION(2) OPERATION(3) OPERATION(4) OPERATION(5) OPERATION(6) OPERATION(7)

int main(void)
{
    static unsigned (*const operations[8])(unsigned) = {operation0, operation1, operation2, operation3,
                                                        operation4, operation5, operation6, operation7};
    static unsigned values[5000];
    unsigned x = 1;
    char text[300];
    atexit(late);
    for (unsigned i = 0; i < 100000; i++)
        x = operations[(x >> 7) & 7](x);
    for (unsigned i = 0; i < 5000; i++)
        values[i] = x = x * 1664525 + 1013904223;
    qsort(values, 5000, sizeof *values, compare);
    memset(text, 'a', sizeof text);
    text[x % 299] = 0;
    printf("%u %u %zu %d\n", x, values[2500], strlen(text), memcmp(values, values + 1, 4) < 0);
    return 0;
}
