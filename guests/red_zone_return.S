/* Tests: a call and its return change one stack slot and nothing below it: memory under the return
 * address keeps its contents, also for push and ret as a jump. Expected: status 0. */
#include "guest.inc"
        .globl  _start
.macro  check_below number
        mov     ecx, 14
7:      mov     rax, rcx
        neg     rax
        cmp     qword ptr [rsp + rax*8 - 8], 0x5a5a5a5a
        expect  e, \number
        dec     ecx
        jnz     7b
.endm
_start: sub     rsp, 1024
        mov     ebx, 200                /* rounds: cold, linked, warm */
again:  mov     ecx, 16
1:      mov     rax, rcx
        neg     rax
        mov     qword ptr [rsp + rax*8], 0x5a5a5a5a
        dec     ecx
        jnz     1b
        call    returns
        check_below 1
        lea     rax, [rip + returns]
        call    rax
        check_below 2
        lea     rax, [rip + 2f]
        push    rax
        ret
        finish  3
2:      check_below 4
        dec     ebx
        jnz     again
        finish  0
returns:
        ret
