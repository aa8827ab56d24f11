/* Tests: jumping into the middle of an instruction: both readings of the same bytes run.
 * Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: mov     ebx, 3
again:  xor     eax, eax
        xor     ecx, ecx
        jmp     outer
        /* As a whole: mov eax, 0x9005c183 (and a nop); from its second byte: add ecx, 5; nop. */
outer:  .byte   0xb8
inner:  .byte   0x83, 0xc1, 0x05, 0x90
        nop
        cmp     ecx, 0
        jne     second
        expect_equal(eax, 0x9005c183, 1)
        jmp     inner
second: expect_equal(ecx, 5, 2)
        lea     rdx, [rip + inner]
        cmp     ebx, 2
        jne     3f
        xor     ecx, ecx
        dec     ebx
        jmp     rdx
3:      dec     ebx
        jnz     again
        finish  0
