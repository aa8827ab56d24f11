/* Tests: faults in the middle of units, which their handler steps over, for exact counts: before and behind
 * the instruction that overwrites the flags, and in units without one. Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
        .equ    ROUNDS, 50
        .equ    CONTEXT_R15, 96         /* in a ucontext; then the others up to rip */
        .equ    CONTEXT_RIP, 168
_start: lea     rax, [rip + handler]
        mov     [rip + action], rax
        lea     rax, [rip + restore]
        mov     [rip + action + 16], rax
        mov     edi, 11                 /* SIGSEGV */
        lea     rsi, [rip + action]
        xor     edx, edx
        mov     r10d, 8
        mov     eax, 13                 /* rt_sigaction */
        syscall
        expect_equal(rax, 0, 1)
        mov     ebp, ROUNDS
        xor     r15d, r15d              /* faults so far */
        xor     r14d, r14d
again:  mov     rcx, rbp
        mov     rax, [r14]              /* before the counter: 3 bytes, as all that fault */
        mov     rdx, rcx
        add     rcx, rdx
        jmp     1f
1:      mov     rcx, rbp
        cmp     rcx, rdx
        mov     rax, [r14]              /* behind it */
        lea     rdx, [rcx + 1]
        jmp     2f
2:      mov     rsi, rbp                /* a register that is overwritten */
        mov     rax, [r14]
        lea     rdi, [rsi + rbp]
        jmp     3f
3:      lea     r8, [r8 + rbp]          /* nothing is */
        mov     rax, [r14]
        mov     r9, r8
        jmp     4f
4:      mov     rax, [r14]              /* the first one */
        sub     ebp, 1
        jnz     again
        expect_equal(r15, 5 * ROUNDS, 2)
        finish  0
handler: add    qword ptr [rdx + CONTEXT_RIP], 3
        inc     qword ptr [rdx + CONTEXT_R15]
        ret
restore: mov    eax, 15
        syscall
        .data
        .balign 8
action: .quad   0, 0x04000004, 0, 0 /* SA_SIGINFO, SA_RESTORER */
