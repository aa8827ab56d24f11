/* Tests: instructions that are legal for a program and rare; argv[1] is one letter. Natively each
 * ends with status 0. Translated, each gives the same or is refused by name, never silently wrong. */
#include "guest.inc"
        .globl  _start
.macro  case letter, label
        cmp     al, \letter
        je      \label
.endm
_start: cmp     qword ptr [rsp], 2
        expect  e, 1
        mov     rsi, [rsp + 16]
        movzx   eax, byte ptr [rsi]
        case    'a', far_return
        case    'b', interrupt_return
        case    'c', int_80
        case    'd', segment_loads
        case    'e', selectors
        case    'f', far_jump
        finish  2
far_return:
        mov     eax, cs
        push    rax
        lea     rcx, [rip + 1f]
        push    rcx
        .byte   0x48, 0xcb              /* retfq */
        finish  3
1:      finish  0
interrupt_return:
        mov     rdx, rsp
        mov     eax, ss
        push    rax
        push    rdx
        pushfq
        mov     eax, cs
        push    rax
        lea     rcx, [rip + 2f]
        push    rcx
        iretq
        finish  3
2:      expect_equal(rsp, rdx, 4)
        finish  0
int_80: mov     eax, 20                 /* getpid of the 32-bit table */
        int     0x80
        test    eax, eax
        expect  g, 3
        finish  0
segment_loads:
        xor     eax, eax
        mov     gs, eax
        mov     es, eax
        mov     ds, eax
        push    rax
        pop     fs
        mov     eax, gs
        expect_equal(eax, 0, 3)
        finish  0
selectors:
        mov     eax, ss
        expect_equal(eax, 0x2b, 3)
        mov     eax, cs
        expect_equal(eax, 0x33, 4)
        lsl     ecx, eax
        expect  z, 5
        lar     ecx, eax
        expect  z, 6
        verr    ax
        expect  z, 7
        finish  0
far_jump:
        lea     rcx, [rip + 3f]
        mov     [rip + pointer], rcx
        mov     word ptr [rip + pointer + 8], cs
        .byte   0x48
        jmp     fword ptr [rip + pointer]
        finish  3
3:      finish  0
        .bss
pointer:
        .zero   16
