/* Tests: gs-relative operands with a vector index (gathers), scatter under AVX-512, and maskmov.
 * Expected: status 0, prints nothing (on a processor without AVX2 too). */
#include "guest.inc"
        .globl  _start
_start: mov     eax, 7
        xor     ecx, ecx
        cpuid
        bt      ebx, 5
        jnc     none
        lea     r12, [rip + area]
        wrgsbase r12
        mov     ebp, 3
again:  vmovdqu xmm1, [rip + index]
        vpcmpeqd xmm2, xmm2, xmm2
        mov     eax, 4
        vpgatherdd xmm0, gs:[rax + xmm1*4], xmm2
        vmovd   ecx, xmm0
        expect_equal(ecx, 14, 1)
        vpextrd ecx, xmm0, 3
        expect_equal(ecx, 11, 2)
        vpcmpeqd xmm2, xmm2, xmm2
        mov     rdi, 64
        .byte   0x65                    /* gs maskmovdqu [rdi] */
        maskmovdqu xmm0, xmm2
        expect_equal(dword ptr [rip + area + 64], 14, 3)
        mov     dword ptr [rip + area + 64], 0
        vmaskmovps xmm3, xmm2, gs:[rax]
        vmovd   ecx, xmm3
        expect_equal(ecx, 11, 4)
        dec     ebp
        jnz     again
none:   finish  0
        .data
        .balign 16
index:  .long   3, 2, 1, 0
area:   .long   10, 11, 12, 13, 14, 15, 16, 17
        .zero   128
