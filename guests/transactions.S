/* Tests: xbegin and its fallback: whichever way a transaction goes, the fallback's address is right
 * and the sum is the same. Expected: status 0, prints 100 (also without the feature). */
#include "guest.inc"
        .globl  _start
_start: mov     eax, 7
        xor     ecx, ecx
        cpuid
        bt      ebx, 11                 /* RTM */
        mov     ebx, 100
        jnc     none
        xor     ebx, ebx
again:  xbegin  fallback
        inc     ebx
        xend
        jmp     next
fallback:
        inc     ebx
next:   cmp     ebx, 100
        jb      again
none:   mov     edi, ebx
        call    print_decimal
        finish  0
#include "print.inc"
