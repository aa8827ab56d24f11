/* Tests: code that overwrites itself by rep movsb, push and a locked instruction.
 * Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: lea     rdi, [rip + _start]
        and     rdi, -4096
        mov     esi, 4096
        mov     edx, 7
        mov     eax, 10
        syscall
        expect_equal(eax, 0, 1)
        mov     r12d, 50
again:  lea     rdi, [rip + body]
        lea     rsi, [rip + add_one]
        mov     ecx, 4
        xor     eax, eax
        rep movsb
        call    body
        expect_equal(eax, 1, 2)
        lea     rdi, [rip + body]
        lea     rsi, [rip + add_two]
        mov     ecx, 4
        rep movsb
        call    body
        expect_equal(eax, 3, 3)
        mov     rbp, rsp                /* the stack pointer over code */
        lea     rsp, [rip + body + 8]
        push    [rip + add_one]
        mov     rsp, rbp
        call    body
        expect_equal(eax, 4, 4)
        lock xor byte ptr [rip + body + 2], 7   /* add eax, 1 -> add eax, 6 */
        call    body
        expect_equal(eax, 10, 5)
        dec     r12d
        jnz     again
        finish  0
        .balign 8
add_one:
        add     eax, 1
        ret
        .balign 8
add_two:
        add     eax, 2
        ret
        .balign 8
body:   nop
        nop
        nop
        ret
        .zero   8
