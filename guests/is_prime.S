/* Tests: the worked example, an integer loop. Counts the primes below argv[1] (default 10000).
 * Expected: status 0, prints 1229 by default. */
#include "guest.inc"
        .globl  _start, is_prime
_start: mov     r12d, 10000
        cmp     qword ptr [rsp], 2
        jl      2f
        mov     rsi, [rsp + 16]         /* argv[1] */
        xor     r12d, r12d
1:      movzx   eax, byte ptr [rsi]
        sub     eax, '0'
        jl      2f
        imul    r12d, r12d, 10
        add     r12d, eax
        inc     rsi
        jmp     1b
2:      xor     ebx, ebx                /* primes seen */
        mov     ebp, 2
3:      cmp     ebp, r12d
        jge     4f
        mov     edi, ebp
        call    is_prime
        add     ebx, eax
        inc     ebp
        jmp     3b
4:      mov     edi, ebx
        call    print_decimal
        finish  0

/* eax = 1 if edi is prime, else 0, by trial division. */
        .type   is_prime, @function
is_prime:
        mov     ecx, edi
        mov     esi, 2
        cmp     esi, ecx
        jge     prime
next:   mov     eax, ecx
        cdq
        idiv    esi
        test    edx, edx
        jz      not_prime
        inc     esi
        cmp     esi, ecx
        jl      next
prime:  mov     eax, 1
        ret
not_prime:
        xor     eax, eax
        ret
        .size   is_prime, . - is_prime
#include "print.inc"
