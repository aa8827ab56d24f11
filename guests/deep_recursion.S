/* Tests: 200,000 levels of calls and returns, twice. Expected: status 0, prints 400000. */
#include "guest.inc"
        .globl  _start
_start: xor     ebx, ebx
        mov     edi, 200000
        call    down
        mov     edi, 200000
        lea     r12, [rip + down]
        call    r12
        mov     edi, ebx
        call    print_decimal
        finish  0
down:   push    rdi
        dec     edi
        jz      1f
        call    down
1:      pop     rdi
        inc     ebx
        ret
#include "print.inc"
