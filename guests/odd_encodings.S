/* Tests: encodings that are legal and rare: redundant and repeated prefixes, 15-byte instructions,
 * ignored REX, segment overrides without effect, hinted jcc, multi-byte nops, the alias opcodes.
 * Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: mov     ebx, 3
again:  xor     eax, eax
        .byte   0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x90
        .byte   0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0
        .byte   0x48, 0x40, 0xff, 0xc0          /* REX.W before REX: the last one counts */
        expect_equal(eax, 1, 1)
        mov     rax, -1
        .byte   0x48, 0x66, 0xff, 0xc0          /* REX before 66 is ignored: inc ax */
        mov     rcx, 0xffffffffffff0000
        expect_equal(rax, rcx, 2)
        .byte   0x2e, 0x75, 0x00                /* hinted jne */
        .byte   0x3e, 0x0f, 0x84, 0, 0, 0, 0    /* hinted je near */
        .byte   0x26, 0x36, 0xeb, 0x00          /* es ss jmp */
        .byte   0x48, 0xeb, 0x00                /* REX.W jmp */
        .byte   0xf3, 0x90                      /* pause */
        .byte   0xf3, 0x0f, 0x1e, 0xfa          /* endbr64 */
        .byte   0xf3, 0x0f, 0x1e, 0xc8          /* rdsspd eax: a nop without shadow stacks */
        mov     eax, 3
        .byte   0x80, 0xc0, 0x04                /* add al, 4 by the long form */
        .byte   0xc1, 0xf0, 0x01                /* sal by its alias /6 */
        expect_equal(eax, 14, 3)
        .byte   0xf7, 0xc8, 0x0e, 0, 0, 0       /* test by its alias /1 */
        expect  nz, 4
        .byte   0x89, 0xc1                      /* both directions of mov */
        .byte   0x8b, 0xd1
        expect_equal(edx, 14, 5)
        .byte   0x48, 0x8d, 0x0c, 0x25, 4, 3, 2, 1      /* SIB without base and index */
        expect_equal(ecx, 0x01020304, 6)
        .byte   0x67, 0x48, 0x8d, 0x04, 0x4d, 1, 0, 0, 0 /* lea rax, [ecx*2+1] */
        expect_equal(eax, 0x02040609, 7)
        .byte   0x0f, 0x18, 0x3c, 0x24          /* hint nops */
        .byte   0x0f, 0x19, 0xc0
        .byte   0x0f, 0x1f, 0xc0
        .byte   0x48, 0x0f, 0x1f, 0x00
        .byte   0xdb, 0xe0                      /* fneni, a nop of old */
        .byte   0xf2, 0xf3, 0x0f, 0x10, 0xc1    /* the last of F2 and F3 counts: movss */
        .byte   0x64, 0x2e, 0x48, 0x89, 0xc0    /* overrides without memory */
        lock not dword ptr [rip + place]
        xor     ecx, ecx
        .byte   0xf2, 0x48, 0xa5                /* repne movsq acts as rep: count 0 here */
        .byte   0xe9, 0, 0, 0, 0
        dec     ebx
        jnz     again
        finish  0
        .data
place:  .quad   0
