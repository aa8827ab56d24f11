/* Tests: indirect calls and jumps through gs-relative memory, by displacement, base and index.
 * Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: lea     r12, [rip + area]
        wrgsbase r12
        mov     ebx, 3
again:  mov     qword ptr gs:[112], 0
        lea     rax, [rip + callee]
        mov     gs:[104], rax
        call    gs:[104]
        mov     ecx, 104
        call    gs:[rcx]
        mov     eax, 13
        call    gs:[rax*8]
        call    gs:[rax*4 + 52]
        expect_equal(qword ptr gs:[112], 4, 1)
        lea     rax, [rip + 1f]
        mov     gs:[104], rax
        jmp     gs:[104]
        finish  2
1:      lea     rax, [rip + 2f]
        mov     gs:[104], rax
        stc
        jmp     gs:[rcx]
        finish  3
2:      expect  c, 4
        dec     ebx
        jnz     again
        finish  0
callee: add     qword ptr gs:[112], 1
        ret
        .data
        .balign 16
area:   .zero   192
