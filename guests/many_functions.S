/* Tests: 10,000 functions called in turn, three rounds, by direct and by indirect calls: fills a
 * small translation cache many times over. Expected: status 0, prints a sum. */
#include "guest.inc"
        .globl  _start
_start: mov     ebp, 3
        xor     ebx, ebx
again:  call    walk                    /* 10,000 direct calls */
        lea     r12, [rip + functions]
        mov     r13d, 10000
1:      call    r12
        add     r12, 32
        dec     r13d
        jnz     1b
        dec     ebp
        jnz     again
        mov     rdi, rbx
        call    print_hex
        finish  0
walk:   .set    number, 0
        .rept   10000
        call    functions + number * 32
        .set    number, number + 1
        .endr
        ret
        .balign 32
functions:
        .set    number, 0
        .rept   10000
        lea     rbx, [rbx + rbx*4 + number]
        test    bl, 1
        jz      2f
        rol     rbx, 1
2:      ret
        .balign 32
        .set    number, number + 1
        .endr
#include "print.inc"
