/* Tests: RIP-relative operands of every kind: load, store, lea, read-modify-write, with an
 * immediate after the displacement, SSE, x87, 67 prefix, push and pop.
 * Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: mov     ebx, 3
again:  mov     rax, [rip + value]
        mov     rcx, 0x1122334455667788
        expect_equal(rax, rcx, 1)
        mov     [rip + place], rax
        lea     rdx, [rip + place]
        expect_equal([rdx], rcx, 2)
        cmp     dword ptr [rip + value], 0x55667788
        expect  e, 3
        cmp     byte ptr [rip + value + 7], 0x11
        expect  e, 4
        cmp     word ptr [rip + value + 2], 0x5566
        expect  e, 5
        mov     dword ptr [rip + place], 77
        expect_equal(dword ptr [rdx], 77, 6)
        add     dword ptr [rip + place], 1000
        imul    eax, dword ptr [rip + place], 3
        expect_equal(eax, 3231, 7)
        test    byte ptr [rip + value], 8
        expect  nz, 8
        movsxd  rax, dword ptr [rip + minus]
        expect_equal(rax, -5, 9)
        movzx   eax, byte ptr [rip + minus]
        expect_equal(eax, 251, 10)
        push    [rip + value]
        pop     [rip + place + 8]
        expect_equal(rcx, [rdx + 8], 11)
        xchg    rcx, [rip + place]
        expect_equal(ecx, 1077, 12)
        lock inc dword ptr [rip + place + 16]
        bts     dword ptr [rip + place + 24], 7
        expect_equal(dword ptr [rip + place + 24], 128, 13)
        mov     dword ptr [rip + place + 24], 0
        shl     dword ptr [rip + place + 16], 3
        movups  xmm0, [rip + vector]
        movdqu  [rip + place + 32], xmm0
        pshufd  xmm1, [rip + vector], 0x1b
        movd    eax, xmm1
        expect_equal(eax, 4, 14)
        pextrd  [rip + place + 48], xmm0, 2
        expect_equal(dword ptr [rdx + 48], 3, 15)
        fild    dword ptr [rip + minus]
        fistp   dword ptr [rip + place + 52]
        expect_equal(dword ptr [rdx + 52], -5, 16)
        mov     eax, [eip + minus]      /* 67 prefix: the address is cut to 32 bits */
        expect_equal(eax, -5, 17)
        lea     eax, [rip + place]
        expect_equal(eax, edx, 18)
        lea     rsi, [eip + place]
        mov     edi, edx
        expect_equal(rsi, rdi, 19)
        cmovz   r9, [rip + value]
        sete    [rip + place + 60]
        nop     dword ptr [rip + value]
        prefetcht0 [rip + value]
        mov     rsp, [rip + stack]      /* rsp as destination, r8-r15 as sources */
        mov     r15, 0x77
        mov     [rip + place + 64], r15
        add     [rip + place + 64], r15b
        expect_equal(qword ptr [rdx + 64], 0xee, 20)
        lea     r12, [rip]
here:   lea     r13, [rip + here]
        expect_equal(r12, r13, 21)
        dec     ebx
        jnz     again
        finish  0
        .data
        .balign 16
value:  .quad   0x1122334455667788
        .balign 16
vector: .long   1, 2, 3, 4
minus:  .long   -5
        .balign 8
stack:  .quad   top
place:  .zero   128
        .zero   512
top:    .zero   16
