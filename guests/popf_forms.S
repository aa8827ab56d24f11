/* Tests: what popf can set: the arithmetic flags, DF, and the ID bit; IF and IOPL stay as they are.
 * AC makes an unaligned access fault natively and stays visible to pushf.
 * Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: mov     ebx, 3
again:  pushfq
        pop     r12
        push    0xcd7
        popfq
        pushfq
        pop     rax
        cld
        and     eax, 0x3ed7
        expect_equal(eax, 0xed7 & ~0x100 | 0x200, 1)
        pushfq
        pop     rax
        xor     eax, 1 << 21            /* ID */
        push    rax
        popfq
        pushfq
        pop     rcx
        xor     ecx, eax
        test    ecx, 1 << 21
        expect  z, 2
        push    0                       /* clearing IF has no effect */
        popfq
        pushfq
        pop     rax
        and     eax, 0x3fff
        expect_equal(eax, 0x202, 3)
        push    0x3fd7 & ~0x100         /* nor has raising IOPL */
        popfq
        pushfq
        pop     rax
        cld
        test    eax, 0x3000
        expect  z, 4
        push    1 << 18 | 0x202         /* AC */
        popfq
        pushfq
        pop     rax
        push    0x202
        popfq
        test    eax, 1 << 18
        expect  nz, 5
        pushfw
        pop     ax
        and     ax, 0x200
        expect_equal(ax, 0x200, 6)
        pushw   1
        popfw
        expect  c, 7
        push    r12
        popfq
        dec     ebx
        jnz     again
        finish  0
