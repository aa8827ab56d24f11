/* Tests: direct and indirect calls, jumps and returns while alignment is checked (AC): nothing faults but
 * the guest's own unaligned access, which does at its place. Expected: SIGBUS after printing 42. */
#include "guest.inc"
        .globl  _start
_start: mov     ebx, 300
        pushfq
        or      dword ptr [rsp], 0x40000
        popfq
again:  call    one
        lea     rax, [rip + one]
        call    rax
        lea     rcx, [rip + back]
        jmp     rcx
        nop
back:   movaps  xmm0, [rip + data]
        dec     ebx
        jnz     again
        pushfq
        and     dword ptr [rsp], ~0x40000
        popfq
        mov     edi, 42
        call    print_decimal
        pushfq
        or      dword ptr [rsp], 0x40000
        popfq
        mov     eax, [rip + data + 1]
        finish  0
one:    push    rbx
        pop     rbx
        ret
#include "print.inc"
        .balign 16
data:   .quad   0, 0
