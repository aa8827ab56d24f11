/* Tests: the same code at addresses that agree in the low 32 bits: copies 4 GiB apart call each
 * other's twin. Expected: status 0, prints 3000. */
#include "guest.inc"
        .globl  _start
_start: mov     r12, 0x200000000
        mov     ebp, 3
1:      mov     rdi, r12                /* mmap fixed, rwx */
        mov     esi, 4096
        mov     edx, 7
        mov     r10d, 0x100022
        mov     r8d, -1
        xor     r9d, r9d
        mov     eax, 9
        syscall
        expect_equal(rax, r12, 1)
        mov     rdi, rax
        lea     rsi, [rip + piece]
        mov     ecx, OFFSET piece_end - piece
        rep movsb
        mov     rax, 0x100000000
        add     r12, rax
        dec     ebp
        jnz     1b
        xor     ebx, ebx
        mov     ebp, 500
2:      mov     rax, 0x200000000
        mov     rcx, 0x300000000
        mov     rdx, 0x400000000
        call    rax                     /* each calls the next one through rcx */
        mov     rax, 0x400000000
        mov     rcx, 0x300000000
        mov     rdx, 0x200000000
        call    rax
        dec     ebp
        jnz     2b
        mov     edi, ebx
        call    print_decimal
        finish  0
piece:  inc     ebx
        mov     rsi, rcx
        mov     rcx, rdx
        xor     edx, edx
        test    rsi, rsi
        jz      3f
        call    rsi
3:      ret
piece_end:
#include "print.inc"
