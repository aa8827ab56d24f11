/* Tests: functions exactly 65536 bytes apart, so that their addresses agree in the low 16 bits:
 * calls, returns and jumps alternate among eight of them, directly and indirectly.
 * Expected: status 0, prints a sum. */
#include "guest.inc"
        .globl  _start
        .balign 65536
first:
        .irp    number, 1, 2, 3, 4, 5, 6, 7, 8
        /* A function with an inner call, whose return address collides as well. */
        add     rbx, \number
        mov     rcx, [r13]
        test    rcx, rcx
        jz      1f
        add     r13, 8
        call    rcx
        lea     rbx, [rbx + rbx*2 + \number]
        sub     r13, 8
1:      ret
        .balign 65536
        .endr
_start: mov     r14d, 2000
        mov     r12d, 12345
again:  lea     r13, [rip + chain]
        mov     ebp, 7                  /* a random chain of seven nested calls */
2:      imul    r12d, r12d, 1103515245
        add     r12d, 12345
        mov     eax, r12d
        shr     eax, 13
        and     eax, 7
        shl     eax, 16
        lea     rcx, [rip + first]
        add     rcx, rax
        mov     [r13], rcx
        add     r13, 8
        dec     ebp
        jnz     2b
        mov     qword ptr [r13], 0
        lea     r13, [rip + chain]
        lea     rax, [rip + first]
        call    rax
        call    first
        call    first + 65536
        call    first + 7 * 65536
        dec     r14d
        jnz     again
        mov     rdi, rbx
        call    print_hex
        finish  0
#include "print.inc"
        .bss
chain:  .zero   128
