/* Tests: cpuid: the vendor, and the feature bits that are the same on every processor of the machine,
 * registers zero-extended; xgetbv. Expected: status 0, prints them. */
#include <cpuid.h>
#include <stdio.h>

int main(void)
{
    unsigned a, b, c, d;
    unsigned long rax = 0xffffffff00000000, rbx = ~0ul, rcx = 0xffffffff00000000, rdx = ~0ul;
    __asm__ volatile("cpuid" : "+a"(rax), "+b"(rbx), "+c"(rcx), "+d"(rdx));
    printf("%lx %lx %lx %lx\n", rax, rbx, rcx, rdx);
    __cpuid(1, a, b, c, d);
    printf("%x %x %x\n", a, c, d);
    for (unsigned leaf = 0; leaf < 2; leaf++) {
        __cpuid_count(7, leaf, a, b, c, d);
        if (leaf == 0)  /* transactional memory may be hidden: HLE, RTM, TSXLDTRK */
            b &= ~(1u << 4 | 1u << 11), d &= ~(1u << 16);
        printf("%x %x %x %x\n", a, b, c, d);
    }
    __cpuid(0x80000001, a, b, c, d);
    printf("%x %x\n", c, d);
    for (unsigned leaf = 0; leaf < 3; leaf++) {
        __cpuid(0x80000002 + leaf, a, b, c, d);
        printf("%.4s%.4s%.4s%.4s", (char *)&a, (char *)&b, (char *)&c, (char *)&d);
    }
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    printf("\n%x %x\n", a, d);
    return 0;
}
