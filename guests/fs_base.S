/* Tests: the fs base: arch_prctl, rdfsbase and wrfsbase, fs-relative operands, and its survival over
 * calls, indirect jumps and system calls. Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: lea     rsi, [rip + area]
        mov     edi, 0x1002             /* ARCH_SET_FS */
        mov     eax, 158
        syscall
        expect_equal(eax, 0, 1)
        rdfsbase rax
        lea     rcx, [rip + area]
        expect_equal(rax, rcx, 2)
        expect_equal(qword ptr fs:[8], 108, 3)
        mov     ebx, 3
again:  lea     r12, [rip + area + 8]
        wrfsbase r12
        call    check
        lea     rax, [rip + check]
        call    rax
        mov     eax, 39
        syscall
        call    check
        lea     rsi, [rip + place]
        mov     edi, 0x1003             /* ARCH_GET_FS */
        mov     eax, 158
        syscall
        expect_equal(r12, [rip + place], 4)
        mov     ecx, r12d
        wrfsbase ecx
        rdfsbase rax
        expect_equal(rax, rcx, 5)
        dec     ebx
        jnz     again
        finish  0
check:  expect_equal(qword ptr fs:[0], 108, 6)
        ret
        .data
        .balign 16
area:   .quad   100, 108, 116, 124
place:  .quad   0
