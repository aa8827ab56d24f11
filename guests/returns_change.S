/* Tests: returns to calls that were made before a program of many units and system calls is taken for
 * a large one, and finds its returns another way: 40,000 units, then 1,250 times 16 nested calls with a
 * system call in each. Expected: status 0, prints 40000. */
#include "guest.inc"
        .globl  _start
_start: .rept   40000
        jmp     . + 2
        .endr
        mov     r12d, 1250
        xor     ebx, ebx
again:  mov     edi, 16
        lea     r13, [rip + down]
        call    r13
        dec     r12d
        jnz     again
        mov     edi, ebx
        call    print_decimal
        finish  0
down:   push    rdi
        mov     eax, 39                 /* getpid */
        syscall
        inc     ebx
        mov     edi, [rsp]
        dec     edi
        jz      1f
        call    down
1:      inc     ebx
        pop     rdi
        ret
#include "print.inc"
