/* Tests: string instructions: movs, stos, lods, scas, cmps in all sizes, with rep, repe and repne,
 * with DF set, with a count of 0, with 67 prefix and an fs source.
 * Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: mov     ebx, 3
again:  lea     rdi, [rip + target]
        mov     ecx, 64
        mov     al, 0x41
        rep stosb
        expect_equal(rcx, 0, 1)
        expect_equal(dword ptr [rip + target + 60], 0x41414141, 2)
        lea     rsi, [rip + source]
        lea     rdi, [rip + target]
        mov     ecx, 3
        rep movsq
        expect_equal(byte ptr [rip + target + 23], 'x', 3)
        xor     ecx, ecx                /* count 0: nothing moves, flags stay */
        cmp     ecx, 1
        repe cmpsb
        expect  b, 4
        lea     rdi, [rip + source]
        mov     ecx, 100
        mov     al, 'k'
        repne scasb
        expect_equal(ecx, 89, 5)
        lea     rsi, [rip + source]
        lea     rdi, [rip + target]
        mov     ecx, 64
        repe cmpsb
        expect  ne, 6
        expect_equal(ecx, 39, 7)
        std
        lea     rsi, [rip + source + 23]
        lea     rdi, [rip + target + 40]
        mov     ecx, 8
        rep movsb
        lodsb
        cld
        expect_equal(al, 'p', 8)
        expect_equal(byte ptr [rip + target + 33], 'q', 9)
        lea     rsi, [rip + source]
        lodsw
        expect_equal(ax, 'a' + 'b' * 256, 10)
        lodsd
        lodsq
        expect_equal(al, 'g', 11)
        lea     rdi, [rip + target]
        stosw
        stosd
        stosq
        movsb
        movsw
        movsd
        lea     rax, [rip + target + 21]
        expect_equal(rax, rdi, 12)
        scasq
        expect_equal(rdi, [rip + zero + 8], 13)
        dec     ebx
        jnz     again
        finish  0
        .data
source: .ascii  "abcdefghijklmnopqrstuvwx_"
        .balign 8
zero:   .quad   0, target + 29
target: .zero   128
