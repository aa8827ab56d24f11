/* Tests: operands that use rsp or write through it: push rsp, pop rsp, push/pop [rsp+n], call and
 * jmp through [rsp+n], push imm sign extension, 16-bit push, xchg with rsp, leave with rsp moved.
 * Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: mov     rbp, rsp
        push    rsp                     /* the value before the push */
        pop     rax
        expect_equal(rax, rbp, 1)
        lea     rax, [rsp - 64]
        push    rax
        pop     rsp                     /* the popped value wins */
        expect_equal(rax, rsp, 2)
        mov     rsp, rbp
        push    11
        push    22
        push    [rsp + 8]               /* address before the push */
        pop     rax
        expect_equal(rax, 11, 3)
        push    33
        pop     [rsp + 8]               /* address after the pop */
        expect_equal(qword ptr [rsp + 8], 33, 4)
        expect_equal(qword ptr [rsp], 22, 5)
        push    [rsp]
        expect_equal(qword ptr [rsp], 22, 6)
        pop     [rsp]
        expect_equal(qword ptr [rsp], 22, 7)
        mov     rsp, rbp
        lea     rax, [rip + add5]
        push    rax
        push    0
        xor     ebx, ebx
        call    [rsp + 8]
        expect_equal(ebx, 5, 8)
        mov     ecx, 1
        call    [rsp + rcx*8]
        expect_equal(ebx, 10, 9)
        lea     rax, [rip + 1f]
        mov     [rsp + 8], rax
        jmp     [rsp + 8]
        finish  10
1:      mov     rsp, rbp
        push    -1
        expect_equal(qword ptr [rsp], -1, 11)
        push    -2147483648
        expect_equal(qword ptr [rsp], -2147483648, 12)
        mov     rsp, rbp
        mov     eax, 0x1234
        push    ax
        lea     rcx, [rbp - 2]
        expect_equal(rcx, rsp, 13)
        pop     cx
        expect_equal(cx, 0x1234, 14)
        expect_equal(rsp, rbp, 15)
        lea     rax, [rip + buffer_end]
        xchg    rax, rsp
        call    on_other
        xchg    rax, rsp
        expect_equal(rsp, rbp, 16)
        expect_equal(ebx, 12, 17)
        lea     rax, [rip + 2f]         /* call through a stack that is not aligned */
        lea     rsp, [rip + buffer_end - 3]
        push    rax
        ret
2:      lea     rcx, [rip + buffer_end - 3]
        expect_equal(rcx, rsp, 18)
        call    rsp_target
        mov     rsp, rbp
        finish  0
add5:   add     ebx, 5
        ret
on_other:
        add     ebx, 2
        ret
rsp_target:
        lea     rcx, [rip + 2b]
        ret
        .bss
        .zero   4096
buffer_end:
        .zero   64
