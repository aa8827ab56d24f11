/* Tests: bugs planted on purpose, each at a label of its own: one instruction of each kind that a
 * translator can get wrong, gone through some times over; the status is the sum. */
        .intel_syntax noprefix
        .globl  _start, length, flag, scratch, target, link, store
        .text
_start:
        mov     eax, 158                # arch_prctl(ARCH_SET_GS, data)
        mov     edi, 0x1001
        lea     rsi, [rip + data]
        syscall
        xor     ebx, ebx
        mov     ebp, 20
        mov     ecx, 5
loop:
length: mov     edx, 3
        add     ebx, edx
        cmp     edx, 7
flag:   add     edx, 0x10
        adc     ebx, 0
scratch:
        mov     edx, gs:[rcx]
        add     ebx, edx
target: mov     edx, [rip + data + 8]
        add     ebx, edx
        lea     rdi, [rip + data]
store:  mov     [rdi + 40], ebx
        dec     ebp
        jz      done
link:   lea     rsi, [rip + data]      # reached by a link from the second round on
        mov     eax, [rsi + 16]
        jmp     loop
done:   mov     eax, 231                # exit_group
        mov     edi, ebx
        and     edi, 0x7f
        syscall

        .data
        .balign 64
data:   .quad   0, 0x0000000300000002, 0x05, 0, 0, 0, 0, 0
        .section .note.GNU-stack, "", @progbits
