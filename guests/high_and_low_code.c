/* Tests: code far apart in the address space: functions at low, middle and high addresses call each
 * other through registers, with RIP-relative data beside each. Expected: status 0, prints a sum. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* inc dword [rip+8+..] ; mov eax, [..]; ret: counts its own calls in the page. */
static const unsigned char body[] = {0xff, 0x05, 0xfa, 0x00, 0x00, 0x00,  /* inc dword [rip+0xfa] -> +0x100 */
                                     0x8b, 0x05, 0xf4, 0x00, 0x00, 0x00,  /* mov eax, [rip+0xf4] -> +0x100 */
                                     0xc3};

int main(void)
{
    static const unsigned long places[] = {0x10000000, 0x7fff0000, 0x100000000, 0x500000000000,
                                           0x7e0000000000, 0x123456789000};
    unsigned (*functions[6])(void);
    unsigned long sum = 0;
    for (int i = 0; i < 6; i++) {
        void *page = mmap((void *)places[i], 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (page != (void *)places[i])
            return 1;
        memcpy(page, body, sizeof body);
        functions[i] = (unsigned (*)(void))page;
    }
    for (unsigned i = 0; i < 3000; i++)
        sum = sum * 31 + functions[i % 6]();
    printf("%lu\n", sum);
    return 0;
}
