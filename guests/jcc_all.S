/* Tests: every conditional jump, near and short, under every combination of the six status flags,
 * against setcc. Expected: status 0, prints how many jumps were taken (a constant). */
#include "guest.inc"
        .globl  _start
.macro try condition
        mov     rax, r12
        push    rax
        popfq
        set\condition r13b
        jmp     1f                      /* short form, flags kept over the jump */
1:      j\condition 2f
        xor     r14d, r14d
        jmp     3f
2:      mov     r14d, 1
3:      cmp     r13b, r14b
        expect  e, 1
        add     r15d, r14d
        push    r12
        popfq
        {disp32} j\condition 4f         /* near form */
        mov     r14d, 0
        jmp     5f
4:      mov     r14d, 1
5:      cmp     r13b, r14b
        expect  e, 2
        add     r15d, r14d
.endm
_start: xor     ebx, ebx
        xor     r15d, r15d
again:  /* bits 0..5 of ebx become CF, PF, AF, ZF, SF, OF */
        mov     eax, 0x8d5
        pushfq
        pop     r12
        and     r12, ~0x8d5
        mov     ecx, ebx
        mov     edx, 0
        .irp    bit, 0, 2, 4, 6, 7, 11
        shr     ecx, 1
        jnc     6f
        or      r12, 1 << \bit
6:
        .endr
        .irp    condition, o, no, b, ae, e, ne, be, a, s, ns, p, np, l, ge, le, g
        try     \condition
        .endr
        inc     ebx
        cmp     ebx, 64
        jb      again
        mov     edi, r15d
        call    print_decimal
        finish  0
#include "print.inc"
