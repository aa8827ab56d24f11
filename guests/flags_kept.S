/* Tests: all arithmetic flags and DF pass unchanged through every control transfer: jmp, jcc taken
 * and not, loop, jrcxz, call, ret, ret imm16, indirect jmp and call, lea-computed targets.
 * Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
#define KEEP 0xcd5                      /* CF PF AF ZF SF DF OF */
.macro  set_flags
        push    r12
        popfq
.endm
.macro  check_flags number
        pushfq
        cld
        pop     r13
        and     r13, KEEP
        cmp     r13, r12
        expect  e, \number
.endm
_start: xor     ebx, ebx
again:  xor     r12d, r12d
        mov     ecx, ebx
        .irp    bit, 0, 2, 4, 6, 7, 10, 11
        shr     ecx, 1
        jnc     1f
        or      r12, 1 << \bit
1:
        .endr
        set_flags
        jmp     2f
2:      check_flags 1
        set_flags
        jc      3f
        jo      3f
        jp      3f
        js      3f
        jz      3f
        nop
3:      check_flags 2
        mov     ecx, 4
        set_flags
4:      loop    4b
        check_flags 3
        set_flags
        jrcxz   5f
        finish  4
5:      check_flags 5
        set_flags
        call    callee
        check_flags 6
        lea     rax, [rip + callee]
        set_flags
        call    rax
        check_flags 7
        lea     rax, [rip + 6f]
        set_flags
        jmp     rax
        finish  8
6:      check_flags 9
        push    0
        set_flags
        call    callee8
        check_flags 10
        lea     rax, [rip + callee]
        mov     [rip + slot], rax
        set_flags
        call    [rip + slot]
        check_flags 11
        lea     rcx, [rip + 7f]
        mov     [rip + slot], rcx
        set_flags
        jmp     [rip + slot]
7:      check_flags 12
        inc     ebx
        cmp     ebx, 128
        jb      again
        finish  0
callee: jmp     8f
8:      ret
callee8:
        ret     8
        .bss
slot:   .quad   0
