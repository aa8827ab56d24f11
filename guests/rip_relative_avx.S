/* Tests: RIP-relative operands under VEX, with and without a trailing immediate, 128 and 256 bits.
 * Expected: status 0, prints nothing (on a processor without AVX2 too). */
#include "guest.inc"
        .globl  _start
_start: mov     eax, 7
        xor     ecx, ecx
        cpuid
        bt      ebx, 5
        jnc     none
        mov     r12d, 3
again:  vmovdqu ymm0, [rip + vector]
        vpaddd  ymm1, ymm0, [rip + vector]
        vmovdqu [rip + place], ymm1
        expect_equal(dword ptr [rip + place + 28], 16, 1)
        vpermq  ymm2, [rip + vector], 0x4e
        vmovd   eax, xmm2
        expect_equal(eax, 5, 2)
        vpalignr ymm3, ymm0, [rip + vector], 4
        vmovd   eax, xmm3
        expect_equal(eax, 2, 3)
        vpbroadcastd xmm4, [rip + vector + 8]
        vpextrd [rip + place], xmm4, 3
        expect_equal(dword ptr [rip + place], 3, 4)
        vblendvps xmm5, xmm0, [rip + vector], xmm6
        vextracti128 [rip + place], ymm0, 1
        expect_equal(dword ptr [rip + place], 5, 5)
        andn    eax, r12d, [rip + vector + 12]
        bextr   ecx, [rip + vector], eax
        rorx    eax, [rip + vector + 4], 1
        expect_equal(eax, 1, 6)
        vzeroupper
        dec     r12d
        jnz     again
none:   finish  0
        .data
        .balign 32
vector: .long   1, 2, 3, 4, 5, 6, 7, 8
place:  .zero   32
