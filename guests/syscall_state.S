/* Tests: what the syscall instruction leaves behind: rcx holds the guest's next address, r11 the
 * flags, every other register and the flags stay, an unknown number gives ENOSYS.
 * Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: mov     r14d, 3
again:  .irp    register, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r15
        lea     \register, [r14 + 0x1234]
        .endr
        mov     eax, 39
        stc
        std
        syscall
1:      pushfq
        cld
        pop     rax
        push    rax
        and     eax, 0x401
        expect_equal(eax, 0x401, 1)
        pop     rax
        expect_equal(rax, r11, 2)
        lea     rax, [rip + 1b]
        expect_equal(rax, rcx, 3)
        lea     rax, [r14 + 0x1234]
        .irp    register, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r15
        expect_equal(rax, \register, 4)
        .endr
        mov     eax, 0x7fff
        syscall
        expect_equal(rax, -38, 5)
        mov     rax, -1
        syscall
        expect_equal(rax, -38, 6)
        mov     rax, 0xffffffff00000027 /* the kernel looks at eax */
        syscall
        test    rax, rax
        expect  g, 7
        dec     r14d
        jnz     again
        finish  0
