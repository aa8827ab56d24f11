/* Tests: the guest's own gs base: arch_prctl, rdgsbase and wrgsbase (32 and 64 bits), and gs-relative
 * operands of every kind: ModRM forms, xlat, moffs, string sources, push/pop.
 * Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: lea     rsi, [rip + area]
        mov     edi, 0x1001             /* ARCH_SET_GS */
        mov     eax, 158
        syscall
        expect_equal(eax, 0, 1)
        lea     r12, [rip + area]
        rdgsbase rax
        expect_equal(rax, r12, 2)
        lea     rsi, [rip + place]
        mov     edi, 0x1004             /* ARCH_GET_GS */
        mov     eax, 158
        syscall
        expect_equal(r12, [rip + place], 3)
        mov     ebx, 3
again:  lea     r12, [rip + area]
        wrgsbase r12
        expect_equal(qword ptr gs:[0], 100, 4)
        expect_equal(qword ptr gs:[8], 108, 5)
        mov     ecx, 2
        mov     eax, 8
        expect_equal(qword ptr gs:[rcx*8], 116, 6)
        expect_equal(qword ptr gs:[rax + rcx*8], 124, 7)
        mov     qword ptr gs:[64], 7
        inc     qword ptr gs:[64]
        expect_equal(qword ptr [r12 + 64], 8, 8)
        mov     dword ptr gs:[rax + 64], 0x44332211
        movzx   edx, byte ptr gs:[rax + 65]
        expect_equal(edx, 0x22, 9)
        movups  xmm0, gs:[16]
        movups  gs:[80], xmm0
        expect_equal(qword ptr [r12 + 80], 116, 10)
        .byte   0x65, 0x48, 0xa1        /* mov rax, gs:[moffs 24] */
        .quad   24
        expect_equal(rax, 124, 11)
        push    rbx
        mov     ebx, 8
        mov     eax, 0
        xlat    byte ptr gs:[rbx]       /* one byte at gs:8 */
        pop     rbx
        expect_equal(eax, 108, 12)
        xor     esi, esi
        lea     rdi, [rip + place]
        mov     ecx, 4
        rep movsq [rdi], gs:[rsi]
        expect_equal(qword ptr [rip + place + 24], 124, 13)
        expect_equal(esi, 32, 14)
        mov     esi, 8
        lods    rax, qword ptr gs:[rsi]
        expect_equal(rax, 108, 15)
        push    gs:[16]
        pop     gs:[96]
        expect_equal(qword ptr [r12 + 96], 116, 16)
        .byte   0x65                    /* lea rax, gs:[8] */
        lea     rax, [8]                /* no access: no base added */
        expect_equal(rax, 8, 17)
        mov     eax, 8
        mov     rcx, -8                 /* address arithmetic wraps at 64 bits */
        expect_equal(qword ptr gs:[rax + rcx], 100, 19)
        lea     r14, [rip + place]
        sub     r14, r12
        mov     rax, gs:[r14]
        expect_equal(rax, 100, 20)
        mov     r13, 0x123456789abcdef0 & 0x7fffffffffff
        wrgsbase r13
        rdgsbase r15
        expect_equal(r13, r15, 21)
        rdgsbase eax                    /* the 32-bit form clears the upper half */
        mov     ecx, r13d
        expect_equal(rax, rcx, 22)
        wrgsbase r13d
        rdgsbase rax
        expect_equal(rax, rcx, 23)
        dec     ebx
        jnz     again
        finish  0
        .data
        .balign 16
area:   .quad   100, 108, 116, 124
        .zero   128
place:  .zero   64
