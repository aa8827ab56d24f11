/* Job: the way into the TC and out of it.
 * State: the thread context at gs base (core/context.h).
 *
 * Registers while guest code runs: all the guest's. While VMM code runs: rsp on the thread's VMM
 * stack, gs base the context, everything else the compiler's; the guest's values are in the context.
 * Vector and x87 state is the guest's throughout: VMM code does not touch it.
 *
 * VMM stack, from vmm_stack upwards: r15 r14 r13 r12 rbx rbp, return address of dbt_engine_run. */
#include "core/context.h"

        .intel_syntax noprefix
        .text

        .globl  dbt_engine_run
        .globl  dbt_exit_routine
        .globl  dbt_redirect_routine
        .globl  dbt_entry_begin
        .globl  dbt_entry_end
        .hidden dbt_exit_routine
        .hidden dbt_redirect_routine
        .hidden dbt_entry_begin
        .hidden dbt_entry_end
        .hidden dbt_engine_run
        .hidden dbt_dispatch

/* void dbt_engine_run(dbt_context *context) */
        .type   dbt_engine_run, @function
dbt_engine_run:
        push    rbp
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15
        sub     rsp, 8                          /* calls find rsp aligned */
        wrgsbase rdi
        mov     gs:[DBT_CONTEXT_VMM_STACK], rsp
        mov     dword ptr gs:[DBT_CONTEXT_EXIT_ID], 0
        jmp     .Ldispatch

/* From a signal handler: rdi = context; the guest state is whole in it. */
dbt_redirect_routine:
        wrgsbase rdi
        mov     rsp, gs:[DBT_CONTEXT_VMM_STACK]
        push    2                               /* ID and NT survive a return from a handler */
        popfq
        mov     dword ptr gs:[DBT_CONTEXT_EXIT_ID], 0
        jmp     .Ldispatch

/* From the TC, with exit_id set. The stack is switched before anything is pushed. */
dbt_exit_routine:
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*4], rsp
        mov     rsp, gs:[DBT_CONTEXT_VMM_STACK]
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*0], rax
        pushfq
        pop     rax
        mov     gs:[DBT_CONTEXT_RFLAGS], rax
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*1], rcx
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*2], rdx
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*3], rbx
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*5], rbp
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*6], rsi
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*7], rdi
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*8], r8
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*9], r9
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*10], r10
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*11], r11
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*12], r12
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*13], r13
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*14], r14
        mov     gs:[DBT_CONTEXT_REGISTERS + 8*15], r15
        cld
        test    eax, 0x244000                   /* AC would survive into C and into handlers, */
        jz      .Ldispatch
        push    2                               /* ID and NT through the entry's fast way */
        popfq
.Ldispatch:
        mov     rdi, gs:[DBT_CONTEXT_SELF]
        call    dbt_dispatch
        test    eax, eax
        jnz     .Lleave

/* A signal handler that interrupts this stretch may start it again from the dispatcher: nothing of
 * the guest state exists outside the context here. */
dbt_entry_begin:
        cmp     dword ptr gs:[DBT_CONTEXT_PENDING], 0
        jne     .Lpending
        mov     rax, gs:[DBT_CONTEXT_RFLAGS]
        mov     rcx, gs:[DBT_CONTEXT_REGISTERS + 8*1]
        mov     rdx, gs:[DBT_CONTEXT_REGISTERS + 8*2]
        mov     rbx, gs:[DBT_CONTEXT_REGISTERS + 8*3]
        mov     rbp, gs:[DBT_CONTEXT_REGISTERS + 8*5]
        mov     rsi, gs:[DBT_CONTEXT_REGISTERS + 8*6]
        mov     rdi, gs:[DBT_CONTEXT_REGISTERS + 8*7]
        mov     r8, gs:[DBT_CONTEXT_REGISTERS + 8*8]
        mov     r9, gs:[DBT_CONTEXT_REGISTERS + 8*9]
        mov     r10, gs:[DBT_CONTEXT_REGISTERS + 8*10]
        mov     r11, gs:[DBT_CONTEXT_REGISTERS + 8*11]
        mov     r12, gs:[DBT_CONTEXT_REGISTERS + 8*12]
        mov     r13, gs:[DBT_CONTEXT_REGISTERS + 8*13]
        mov     r14, gs:[DBT_CONTEXT_REGISTERS + 8*14]
        mov     r15, gs:[DBT_CONTEXT_REGISTERS + 8*15]
        test    eax, 0x244500                  /* ID, AC, NT, DF or TF: the slow way */
        jnz     .Lslow_flags
        /* popfq is microcoded: the status flags go back through sahf and an add that overflows. */
        mov     rsp, gs:[DBT_CONTEXT_REGISTERS + 8*4]
        shl     eax, 8                          /* SF ZF AF PF CF to ah, OF to bit 19 */
        bt      eax, 19
        setc    al
        add     al, 0x7f                        /* sets OF exactly when OF was set */
        sahf
        mov     rax, gs:[DBT_CONTEXT_REGISTERS + 8*0]
        jmp     gs:[DBT_CONTEXT_RESUME]
.Lslow_flags:
        push    rax
        popfq
        mov     rsp, gs:[DBT_CONTEXT_REGISTERS + 8*4]
        mov     rax, gs:[DBT_CONTEXT_REGISTERS + 8*0]
        jmp     gs:[DBT_CONTEXT_RESUME]
dbt_entry_end:

.Lpending:
        mov     dword ptr gs:[DBT_CONTEXT_EXIT_ID], 0
        jmp     .Ldispatch

.Lleave:
        add     rsp, 8
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        ret
        .size   dbt_engine_run, . - dbt_engine_run
        .section .note.GNU-stack, "", @progbits
