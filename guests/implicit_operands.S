/* Tests: operands that no ModRM names: xlat, moffs (a0 to a3, 32- and 64-bit), maskmovdqu, enter and
 * leave, pushf/popf, lahf/sahf, cbw family, mul/div pairs, and 67-prefixed moffs.
 * Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: mov     ebp, 3
again:  lea     rbx, [rip + table]
        mov     eax, 5
        xlat
        expect_equal(eax, 25, 1)
        movabs  al, [byte_place]
        expect_equal(al, 9, 2)
        movabs  eax, [byte_place]
        movabs  rax, [byte_place]
        expect_equal(al, 9, 3)
        mov     eax, 0x55
        movabs  [byte_place + 8], al
        movabs  [byte_place + 16], rax
        expect_equal(qword ptr [byte_place + 16], 0x55, 4)
        .byte   0x67, 0xa1              /* mov eax, [moffs32] */
        .long   byte_place + 16
        expect_equal(eax, 0x55, 5)
        mov     eax, 0x8000
        movd    xmm0, eax
        pcmpeqd xmm1, xmm1
        pxor    xmm2, xmm2
        lea     rdi, [rip + masked]
        maskmovdqu xmm1, xmm0           /* stores byte 1 alone */
        expect_equal(byte ptr [rip + masked + 1], 0xff, 6)
        expect_equal(byte ptr [rip + masked], 0, 7)
        mov     byte ptr [rip + masked + 1], 0
        mov     r12, rsp
        mov     r13, rbp
        enter   32, 0
        expect_equal(qword ptr [rbp], r13, 8)
        lea     rax, [r12 - 40]
        expect_equal(rax, rsp, 9)
        leave
        expect_equal(rsp, r12, 10)
        expect_equal(rbp, r13, 11)
        lea     rbp, [rip + frame]
        enter   16, 2                   /* nested: copies one frame pointer */
        expect_equal(qword ptr [rbp - 8], 77, 17)
        leave
        mov     rbp, r13
        expect_equal(rsp, r12, 12)
        mov     ah, 0xd5
        sahf
        lahf
        expect_equal(ah, 0xd7, 13)
        mov     eax, -7
        cdqe
        cqo
        mov     ecx, 2
        idiv    rcx
        expect_equal(rax, -3, 14)
        expect_equal(rdx, -1, 15)
        mov     rax, -1
        mul     rax
        expect_equal(rdx, -2, 16)
        dec     ebp
        jnz     again
        finish  0
        .data
        .balign 16
table:  .byte   0, 1, 4, 9, 16, 25, 36
        .balign 16
byte_place:
        .quad   9, 0, 0
        .balign 16
masked: .zero   16
        .quad   77
frame:  .quad   0
