/* Job: the first instructions of the VMM process.
 * State: none.
 * Stack on entry, by the kernel: argc, argv..., 0, envp..., 0, auxv...; rsp is 16-aligned. */
        .intel_syntax noprefix
        .section .text
        .globl  _start
        .hidden _start
        .type   _start, @function
_start:
        xor     ebp, ebp
        mov     rbx, rsp
        lea     rdi, [rip + __ehdr_start]
        lea     rsi, [rip + _DYNAMIC]
        call    dbt_start_relocate
        mov     rdi, rbx
        call    dbt_start_main
        ud2
        .hidden __ehdr_start
        .hidden _DYNAMIC
        .hidden dbt_start_relocate
        .hidden dbt_start_main

        .section .note.GNU-stack, "", @progbits
