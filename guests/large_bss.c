/* Tests: a fixed-address program whose data takes most of the first 2 GiB of the address space.
 * Expected: status 0, prints a sum. */
#include <stdio.h>

static char block[1800u << 20];

int main(void)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < sizeof block; i += 10u << 20)
        block[i] = (char)(i >> 20);
    for (unsigned i = 0; i < sizeof block; i += 10u << 20)
        sum = sum * 31 + (unsigned char)block[i];
    printf("%u\n", sum);
    return 0;
}
