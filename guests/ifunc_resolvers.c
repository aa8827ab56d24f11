/* Tests: functions that a resolver chooses when the program starts (STT_GNU_IFUNC): by relocations of the
 * program itself, static or not, by pointers to them in data, called from constructors, from a resolver that
 * asks the processor (cpuid, xgetbv), and those of the C library.
 * Expected: status 0, prints sums. */
#include <cpuid.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

typedef unsigned (*function)(unsigned);

static unsigned resolved; /* set while relocations are made */

static unsigned twice(unsigned value) { return value * 2; }
static unsigned thrice(unsigned value) { return value * 3; }

/* Both answers give the same function: which one the processor gives does not show. */
static function by_processor(void)
{
    unsigned a, b, c = 0, d, extended = 1;
    __builtin_cpu_init();
    if (__get_cpuid(1, &a, &b, &c, &d) && c & bit_OSXSAVE)
        __asm__ volatile("xgetbv" : "=a"(extended) : "c"(0) : "edx");
    resolved += extended & 1; /* the x87 state is there */
    return __builtin_cpu_supports("sse2") ? thrice : twice;
}

static function by_rule(void)
{
    resolved += 10;
    return twice;
}

__attribute__((ifunc("by_processor"))) unsigned chosen(unsigned value);
__attribute__((ifunc("by_rule"))) static unsigned chosen_too(unsigned value);

static const function pointers[] = {chosen, chosen_too, twice, chosen};
static unsigned early;

__attribute__((constructor)) static void first(void) { early = chosen(5) + chosen_too(7); }

int main(void)
{
    unsigned long sum = 0;
    char text[200], copy[200];
    wchar_t wide[60];
    volatile double x = 0.5;
    for (unsigned i = 0; i < 20000; i++)
        sum = sum * 31 + pointers[i & 3](i) + chosen(i) + chosen_too(i);
    printf("%u %u %lu\n", resolved % 10 > 0 && resolved >= 10, early, sum);
    printf("%d %d\n", pointers[0] == pointers[3], pointers[0] == pointers[1]);
    for (unsigned size = 0; size < sizeof text - 1; size++) {
        memset(text, 'a' + (int)size % 26, size);
        text[size] = 0;
        memcpy(copy, text, size + 1);
        memmove(copy + 1, copy, size);
        copy[size + 1] = 0;
        wmemset(wide, L'w', size % 60);
        sum = sum * 31 + strlen(copy) + (unsigned)(strchr(text, 0) - text) + (unsigned)(memcmp(text, copy, size) == 0) +
              strnlen(text, 50) + (strrchr(text, text[0]) != 0) + (strstr(text, "aa") != 0) + strspn(text, "abc") +
              (size > 1 ? wmemchr(wide, L'x', size % 60) == 0 : 0);
    }
    printf("%lu %.1f %.1f %.1f %.1f\n", sum, floor(x), ceil(x), trunc(x), rint(x));
    return 0;
}
