/* Tests: self-modifying code in a straight line: an instruction is changed just before it runs, in
 * the same block, on the page that runs. Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: lea     rdi, [rip + _start]     /* own text becomes writable */
        and     rdi, -4096
        mov     esi, 4096
        mov     edx, 7
        mov     eax, 10
        syscall
        expect_equal(eax, 0, 1)
        mov     ebp, 1
again:  mov     [rip + patched + 1], ebp        /* the immediate of the next instruction */
patched:
        mov     eax, 0x7fffffff
        expect_equal(eax, ebp, 2)
        mov     byte ptr [rip + nops], 0x43     /* inc r11 comes and goes */
        lea     edx, [rbp + 1]
        xor     r11d, r11d
        mov     byte ptr [rip + nops], 0x90
nops:   .byte   0x90
        nop
        expect_equal(r11d, 0, 3)
        mov     dword ptr [rip + callee + 1], ebp
        call    callee
        expect_equal(eax, ebp, 4)
        inc     ebp
        cmp     ebp, 300
        jb      again
        finish  0
        .balign 64
callee: mov     eax, 0
        ret
