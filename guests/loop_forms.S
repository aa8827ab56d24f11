/* Tests: loop, loope, loopne, jrcxz, jecxz and the 67-prefixed loops: counts, flags kept, the
 * 32-bit forms clear the upper half of rcx. Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: mov     ecx, 7
        xor     eax, eax
1:      inc     eax
        loop    1b
        expect_equal(eax, 7, 1)
        expect_equal(rcx, 0, 2)
        mov     ecx, 9                  /* loope ends when ZF goes */
        xor     eax, eax
2:      inc     eax
        cmp     eax, 4                  /* ne at 1: ends at once */
        loope   2b
        expect_equal(eax, 1, 3)
        expect_equal(rcx, 8, 4)
        mov     ecx, 9
        xor     eax, eax
3:      inc     eax
        cmp     eax, 4
        loopne  3b
        expect_equal(eax, 4, 5)
        expect_equal(rcx, 5, 6)
        stc                             /* loop touches no flag */
        mov     ecx, 3
4:      loop    4b
        expect  c, 7
        xor     ecx, ecx
        stc
        jrcxz   5f
        finish  8
5:      expect  c, 9
        mov     rcx, 0x100000000
        jrcxz   6f
        jecxz   7f                      /* only the low half counts */
        finish  10
6:      finish  11
7:      mov     rcx, 0x500000003        /* addr32 loop: ecx, upper half cleared */
        xor     eax, eax
8:      inc     eax
        addr32 loop 8b
        expect_equal(eax, 3, 12)
        expect_equal(rcx, 0, 13)
        mov     rcx, 0x700000002
        xor     eax, eax
9:      inc     eax
        cmp     eax, 100
        addr32 loopne 9b
        expect_equal(eax, 2, 14)
        expect_equal(rcx, 0, 15)
        mov     ecx, 0                  /* rcx 0: 2^64 rounds, left by loope */
        xor     eax, eax
        inc     eax
10:     dec     eax
        mov     edx, eax
        add     edx, 5
        cmp     edx, 5
        loope   10b
        expect_equal(rcx, -2, 16)
        mov     ecx, 1000000            /* many rounds */
11:     loop    11b
        jrcxz   12f
        finish  17
12:     finish  0
