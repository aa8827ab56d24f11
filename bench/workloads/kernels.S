/* One thing that a translator has to do, ROUNDS times, and nothing else: no C library, no start-up. */
        .intel_syntax noprefix
        .globl  _start
_start: mov     r14d, ROUNDS
again:
#if defined CHAINING                    /* direct branches, taken and not */
        test    r14d, 1
        jz      1f
        add     rax, 3
        jmp     2f
1:      add     rax, 1
2:      test    r14d, 6
        jnz     3f
        add     rax, 5
3:
#elif defined INDIRECT                  /* one jump, eight targets in turns */
        mov     eax, r14d
        and     eax, 7
        jmp     [table + rax*8]
        .irp    number, 0, 1, 2, 3, 4, 5, 6, 7
target\number:
        add     rdx, \number
        jmp     next
        .endr
        .section .rodata
        .balign 8
table:  .quad   target0, target1, target2, target3, target4, target5, target6, target7
        .text
next:
#elif defined RETURNS                   /* calls, two deep */
        call    outer
        jmp     next
outer:  call    inner
        call    inner
        ret
inner:  add     rax, 1
        ret
next:
#elif defined CALLOUTS                  /* an instruction that shows the host */
        xor     eax, eax
        xor     ecx, ecx
        cpuid
#elif defined CALLS                     /* system calls that do nearly nothing */
        mov     eax, 39                 /* getpid */
        syscall
#endif
        dec     r14d
        jnz     again
        xor     edi, edi
        mov     eax, 231                /* exit_group */
        syscall
