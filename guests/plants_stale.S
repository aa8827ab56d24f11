/* Tests: code that rewrites the immediate of an instruction and runs it, some times over, for a bug planted
 * on purpose: that the old code stays in use. The status is the sum. */
        .intel_syntax noprefix
        .globl  _start, stale
        .text
_start: xor     ebx, ebx
        mov     ebp, 5
loop:   mov     [rip + stale + 1], ebp
        call    changed
        add     ebx, edx
        dec     ebp
        jnz     loop
        mov     eax, 231                # exit_group
        mov     edi, ebx
        syscall
        .section .changes, "awx", @progbits
changed:
        nop
stale:  mov     edx, 0
        ret
        .section .note.GNU-stack, "", @progbits
