/* Job: the few places where the personality must know the exact program counter.
 * State: none.
 * Register and stack maps stand above each routine. No routine touches a vector register, except
 * those that save or load the guest's whole state on purpose. */
        .intel_syntax noprefix
        .section .text

        .macro routine name
        .globl  \name
        .hidden \name
        .type   \name, @function
\name:
        .endm
        .macro mark name
        .globl  \name
        .hidden \name
\name:
        .endm

/* i64 dbt_gate_syscall(u64 number, const u64 *arguments, const volatile u32 *pending)
 * rbx: pending. From window_start until the kernel is entered, a signal handler that finds rip in
 * [window_start, window_end) moves it to window_abort; the kernel itself moves rip back onto the
 * syscall instruction when it wants the call restarted, with rcx as the instruction has left it: the
 * address behind it, which rcx never is before. */
routine dbt_gate_syscall
        push    rbx
        mov     rax, rdi
        mov     rbx, rdx
        mov     r11, rsi
        mov     rdi, [r11]
        mov     rsi, [r11 + 8]
        mov     rdx, [r11 + 16]
        mov     r10, [r11 + 24]
        mov     r8, [r11 + 32]
        mov     r9, [r11 + 40]
        xor     ecx, ecx
mark dbt_gate_window_start
        cmp     dword ptr [rbx], 0
        jne     dbt_gate_window_abort
        syscall
mark dbt_gate_window_end
        pop     rbx
        ret
mark dbt_gate_window_abort
        mov     rax, -512
        pop     rbx
        ret

/* u64 dbt_gate_copy(void *to, const void *from, u64 size_bytes): rcx counts down what is left. A byte, which
 * is how code is probed before it is read, goes without the start of a string instruction. */
routine dbt_gate_copy
        mov     rcx, rdx
        cmp     rdx, 1
        je      1f
mark dbt_gate_copy_start
        rep movsb
        jmp     2f
1:      mov     dl, [rsi]
        mov     [rdi], dl
        xor     ecx, ecx
2:
mark dbt_gate_copy_end
mark dbt_gate_copy_fault
        mov     rax, rcx
        ret

/* bool dbt_gate_xsave(u64 area, u64 features), dbt_gate_xrstor, dbt_gate_fxrstor */
routine dbt_gate_xsave
        mov     eax, esi
        mov     rdx, rsi
        shr     rdx, 32
        jmp     save_state
routine dbt_gate_xrstor
        mov     eax, esi
        mov     rdx, rsi
        shr     rdx, 32
        jmp     load_state
routine dbt_gate_fxrstor
        jmp     load_legacy_state
mark dbt_gate_state_start
save_state:
        xsave64 [rdi]
        mov     eax, 1
        ret
load_state:
        xrstor64 [rdi]
        mov     eax, 1
        ret
load_legacy_state:
        fxrstor64 [rdi]
        mov     eax, 1
        ret
mark dbt_gate_state_end
mark dbt_gate_state_fault
        xor     eax, eax
        ret

/* Every host signal. The alignment-check flag of the guest survives into handlers: clear it before
 * any C runs. rdi, rsi, rdx: number, siginfo, ucontext, as the kernel passes them. */
routine dbt_gate_signal
        pushfq
        and     dword ptr [rsp], ~0x40000
        popfq
        jmp     dbt_signal_arrived
routine dbt_gate_signal_return
        mov     eax, 15
        syscall
        ud2

/* i64 dbt_gate_clone(flags, stack_top, parent_tid, child_tid, tls, function, argument on the stack)
 * The child finds function and argument on its own stack and never returns. */
routine dbt_gate_clone
        mov     rax, [rsp + 8]
        and     rsi, -16
        sub     rsi, 16
        mov     [rsi], r9
        mov     [rsi + 8], rax
        mov     r10, rcx
        mov     eax, 56
        syscall
        test    rax, rax
        jz      child
        ret

/* i64 dbt_gate_clone3(const void *arguments, u64 size_bytes): likewise. */
routine dbt_gate_clone3
        mov     eax, 435
        syscall
        test    rax, rax
        jz      child
        ret
child:
        xor     ebp, ebp
        pop     rax
        pop     rdi
        call    rax
        ud2

/* _Noreturn void dbt_gate_exit_thread(u32 *lock, u64 status): from the exchange on, this stack may be
 * another thread's. r12: status. As dbt_lock_give does it. */
routine dbt_gate_exit_thread
        mov     r12, rsi
        xor     eax, eax
        xchg    [rdi], eax
        test    eax, eax
        jns     exit_now
        mov     esi, 129                        /* FUTEX_WAKE_PRIVATE, one */
        mov     edx, 1
        mov     eax, 202
        syscall
exit_now:
        mov     edi, r12d
        mov     eax, 60
        syscall
        ud2

/* void dbt_gate_call_on(u64 stack_top, void (*function)(void *), void *argument) */
routine dbt_gate_call_on
        push    rbp
        mov     rbp, rsp
        and     rdi, -16
        mov     rsp, rdi
        mov     rdi, rdx
        call    rsi
        mov     rsp, rbp
        pop     rbp
        ret

        .section .note.GNU-stack, "", @progbits
