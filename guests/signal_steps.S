/* Tests: a loop of every kind of instruction that is not copied as it is, for tests/faults/test_steps.py, which
 * interrupts it at every host instruction. Each pass has other register values, so that no two states
 * are equal. Expected alone: status 0, prints nothing.
 *
 * r15 counts the passes; r12, r13, r14 and rbp are changed by each; the loop has a stack of its own. */
#include "guest.inc"
        .equ    PASSES, 80
        .equ    FAR_PIECE, 0x7d0000000000
        .equ    TWIN_PIECE, 0x7d0100000000
        .globl  _start, steps_context, steps_stack, steps_low, steps_high
_start: lea     rsp, [rip + steps_stack]
        mov     rbp, FAR_PIECE
        call    map_piece
        mov     rbp, TWIN_PIECE
        call    map_piece
        xor     edi, edi                /* setpgid: alone in its group */
        xor     esi, esi
        mov     eax, 109
        syscall
        mov     edi, 0x1001             /* arch_prctl(ARCH_SET_GS): a small base, so addresses stay near */
        mov     esi, 64
        mov     eax, 158
        syscall
        lea     rdi, [rip + stack_action]
        xor     esi, esi
        mov     eax, 131
        syscall
        expect_equal(rax, 0, 1)
        mov     edi, 10                 /* SIGUSR1 */
        lea     rsi, [rip + action]
        xor     edx, edx
        mov     r10d, 8
        mov     eax, 13
        syscall
        expect_equal(rax, 0, 2)
        lea     rsp, [rip + steps_stack]
        xor     r15d, r15d
        mov     ebx, 0x1111
        mov     ebp, 0x2222
        mov     r12d, 0x3333
        mov     r13d, 0x4444
        mov     r14d, 0x5555
        mov     r8d, 0x6666
        mov     r9d, 0x7777
        mov     r10d, 0x8888
        call    tell
pass:   imul    rbp, rbp, 0x5851f42d
        add     r12, rbp
        xor     r13, r12
        movq    xmm3, r13
        movq    xmm12, r15
        pshufd  xmm12, xmm12, 0x44
        mov     [rsp - 128], r12        /* the red zone */
        mov     [rsp - 64], r13
        mov     [rsp - 8], rbp
        /* Operands. */
        mov     rax, [rip + data]
        add     [rip + data + 8], r12
        cmp     qword ptr [rip + data + 8], 0
        lea     rdi, [rip + data - 64]
        mov     rcx, gs:[rdi]
        add     gs:[rdi + 8], rcx
        mov     rdx, gs:[rip + data - 64]
        push    gs:[rdi]
        pop     rsi
        push    [rip + data]
        pop     [rip + data + 16]
        mov     rsi, rdi
        lods    rax, gs:[rsi]
        lea     rsi, [rip + data - 64]
        lea     rdi, [rip + buffer]
        mov     ecx, 3
        rep     movs byte ptr [rdi], byte ptr gs:[rsi]
        lea     rdi, [rip + buffer]
        mov     ecx, 3
        mov     eax, r15d
        rep     stosb
        mov     al, 7
        lea     rbx, [rip + data - 64]
        xlat    byte ptr gs:[rbx]
        mov     ebx, 0x1111
        enter   16, 0
        mov     [rbp - 8], r12
        leave
        /* Jumps. */
        add     eax, r12d
        js      1f
        xor     r14, 1
1:      jc      2f
        jnz     2f
        xor     r14, 2
2:      mov     ecx, 3
3:      add     r14, rcx
        loop    3b
        jrcxz   4f
        ud2
4:      test    r15d, 1
        jz      5f
        nop
5:      lea     rax, [rip + 6f]
        jmp     rax
        ud2
6:      lea     rcx, [rip + 7f]
        mov     [rip + slot], rcx
        jmp     [rip + slot]
        ud2
7:      lea     rcx, [rip + 8f]
        mov     [rip + slot], rcx
        lea     rax, [rip + slot - 64]
        jmp     gs:[rax]
8:      mov     eax, r15d
        and     eax, 3
        lea     rcx, [rip + cases]
        movsxd  rax, [rcx + rax*4]
        add     rax, rcx
        jmp     rax
case_0: inc     r14
        jmp     cases_end
case_1: add     r14, 5
        jmp     cases_end
case_2: shl     r14, 1
        jmp     cases_end
case_3: not     r14
cases_end:
        /* Calls. */
        call    leaf
        lea     rax, [rip + leaf]
        call    rax
        mov     rcx, rax
        mov     [rip + slot], rcx
        call    [rip + slot]
        lea     rcx, [rip + slot - 64]
        call    gs:[rcx]
        call    deep
        push    rbp
        push    r12
        call    pops_16
        push    rbx
        lea     rax, [rip + leaf]
        push    rax
        call    [rsp]
        add     rsp, 8
        pop     rbx
        mov     rax, FAR_PIECE          /* two callees that share a slot of the table */
        call    rax
        mov     rax, TWIN_PIECE
        call    rax
        mov     rax, FAR_PIECE
        lea     rcx, [rip + slot]
        mov     [rcx], rax
        call    [rcx]
        lea     rax, [rip + 9f]
        push    rax
        ret
9:
        /* What the VMM carries out. */
        mov     eax, 24                 /* sched_yield */
        syscall
        mov     eax, 500                /* no such call */
        syscall
        rdgsbase rax
        wrgsbase rax
        xor     eax, eax
        xor     ecx, ecx
        cpuid
        mov     ebx, 0x1111
        push    0x8d5
        popfq
        mov     ecx, r15d
        std
        cmc
        cld
        movq    rax, xmm12
        inc     r15
        cmp     r15, PASSES
        jb      pass
        finish  0

leaf:   add     r14, 3
        ret
deep:   call    deeper
        lea     r14, [r14 + r14*2]
        ret
deeper: call    leaf
        ret
pops_16:
        xor     r14, [rsp + 8]
        ret     16

/* At the end of a handler, or once at the start: the tracer takes the signal away. */
tell:   xor     edi, edi                /* the process group: no number that differs from run to run */
        mov     esi, 23                 /* SIGURG */
        mov     eax, 62
        syscall
        ret

handler:
        mov     [rip + steps_context], rdx
        call    tell
        add     rsp, 8
        mov     eax, 15
        syscall
restorer:
        ud2

/* Maps a page at rbp and puts the piece there. */
map_piece:
        mov     rdi, rbp
        mov     esi, 4096
        mov     edx, 7
        mov     r10d, 0x100022
        mov     r8d, -1
        xor     r9d, r9d
        mov     eax, 9
        syscall
        expect_equal(rax, rbp, 3)
        mov     rdi, rbp
        lea     rsi, [rip + piece]
        mov     ecx, OFFSET piece_end - piece
        rep movsb
        ret
piece:  add     r14, 7
        call    1f
        mov     rcx, [rip + piece]
        ret
1:      xor     r14, rcx
        ret
piece_end:

        .data
        .balign 8
cases:  .long   case_0 - cases, case_1 - cases, case_2 - cases, case_3 - cases
data:   .quad   0x123456789abcdef0, 0, 0, 0
slot:   .quad   0
buffer: .quad   0, 0
action: .quad   handler, 0x0c000004, restorer, 0 /* SA_SIGINFO, SA_ONSTACK, SA_RESTORER */
stack_action:
        .quad   steps_low, 0, 65536
steps_context:
        .quad   0
        .bss
        .balign 4096
        .zero   8192
steps_stack:
        .zero   4096
steps_low:
        .zero   65536
steps_high:
