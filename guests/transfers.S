/* Tests: every near form of jmp, call and ret: through registers, through memory with base, index,
 * RIP-relative and absolute operands, ret imm16, and prefixes that compilers put there.
 * Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: .irp    register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
        lea     \register, [rip + tail_\register]
        jmp     \register
        finish  1
tail_\register:
        .endr
        xor     ebx, ebx
        .irp    register, rax, rcx, rdx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
        lea     \register, [rip + one]
        call    \register
        .endr
        expect_equal(ebx, 14, 2)
        lea     rax, [rip + one]
        mov     [rip + slot], rax
        call    [rip + slot]
        mov     ecx, OFFSET slot
        call    [rcx]
        call    [slot]                  /* absolute disp32 */
        mov     eax, OFFSET table
        mov     ecx, 2
        lea     rdx, [rip + one]
        mov     [rax + 16], rdx
        call    [rax + rcx*8]
        call    [rax + rcx*4 + 8]
        mov     r13d, OFFSET table
        mov     r12d, 2
        call    [r13 + r12*8]
        push    rdx
        call    [rsp]
        add     rsp, 8
        expect_equal(ebx, 21, 3)
        lea     rdx, [rip + hop1]
        mov     [rax + 16], rdx
        jmp     [rax + rcx*8]
hop1:   lea     rdx, [rip + hop2]
        mov     [rip + slot], rdx
        jmp     [rip + slot]
hop2:   push    rcx
        push    rax
        mov     rcx, rsp
        push    1
        push    2
        push    3
        call    pops_24                 /* ret imm16 */
        expect_equal(rsp, rcx, 4)
        add     rsp, 16
        lea     rax, [rip + one]
        notrack call rax
        call    rep_ret
        bnd call one
        .byte   0x66, 0x66, 0x48        /* as in the general dynamic TLS sequence */
        call    one
        expect_equal(ebx, 24, 5)
        lea     rax, [rip + done]
        notrack jmp rax
        finish  6
done:   call    3f                      /* call, pop: the guest's own address */
3:      pop     rax
        lea     rcx, [rip + 3b]
        expect_equal(rax, rcx, 7)
        lea     rax, [rip + last]
        push    rax
        ret     0
last:   finish  0
one:    inc     ebx
        ret
pops_24:
        ret     24
rep_ret:
        rep ret
        .data
        .balign 8
slot:   .quad   0
table:  .zero   64
