/* Tests: a jump table with 4096 entries, walked in order and in a random order.
 * Expected: status 0, prints a sum. */
#include "guest.inc"
        .globl  _start
_start: xor     ebx, ebx
        xor     ebp, ebp
        mov     r12d, 1
again:  mov     eax, ebp
        cmp     ebp, 4096
        jb      1f
        imul    r12d, r12d, 1664525
        add     r12d, 1013904223
        mov     eax, r12d
        shr     eax, 20
1:      lea     rcx, [rip + table]
        movsxd  rax, dword ptr [rcx + rax*4]
        add     rax, rcx
        jmp     rax
back:   rol     ebx, 3
        inc     ebp
        cmp     ebp, 40000
        jb      again
        mov     edi, ebx
        call    print_hex
        finish  0
        .set    number, 0
cases:  .rept   4096
        xor     ebx, 0x10000000 + number * 7919
        {disp32} jmp back
        .set    number, number + 1
        .endr
        .balign 4
table:  .set    number, 0
        .rept   4096
        .long   cases - table + number * 11
        .set    number, number + 1
        .endr
#include "print.inc"
