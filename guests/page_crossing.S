/* Tests: instructions that lie across a page boundary: plain ones, a jump, a call, a syscall; and
 * code whose last byte is the last one of a mapping. Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: mov     ebp, 3
again:  xor     ebx, ebx
        call    first
        expect_equal(ebx, 31, 1)
        dec     ebp
        jnz     again
        xor     edi, edi                /* two pages, the second one taken away */
        mov     esi, 8192
        mov     edx, 7
        mov     r10d, 0x22
        mov     r8d, -1
        xor     r9d, r9d
        mov     eax, 9
        syscall
        mov     r12, rax
        lea     rdi, [r12 + 4096]
        mov     esi, 4096
        mov     eax, 11
        syscall
        mov     dword ptr [r12 + 4092], 0x90
        mov     word ptr [r12 + 4093], 0xc3ff   /* inc ebx */
        mov     byte ptr [r12 + 4095], 0xc3     /* ret, the last byte */
        lea     rax, [r12 + 4092]
        call    rax
        expect_equal(ebx, 32, 2)
        finish  0
.macro  boundary distance
        .balign 4096
        .skip   4096 - \distance, 0x90
.endm
        boundary 12
first:  nop
        nop
        add     ebx, 1
        jmp     1f
        nop
        mov     eax, 0x11223344
1:      add     ebx, 2
        call    second
        ret
        boundary 5
second: mov     rax, 0x1122334455667788
        add     ebx, 4
        call    third
        ret
        boundary 3
third:  add     ebx, 8                  /* ends on the boundary */
        call    fourth
        ret
        boundary 6
fourth: mov     eax, 39
        syscall
        test    eax, eax
        jle     2f
        add     ebx, 16
2:      ret
