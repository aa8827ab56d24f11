/* Tests: the 128 bytes below rsp survive every control transfer: jumps, jcc, loop, indirect jumps,
 * and syscalls. Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: sub     rsp, 1024
        mov     ebx, 200                /* rounds: cold, linked, warm */
again:  call    fill
        jmp     1f
1:      mov     r9d, 1
        jmp     check1
check1: lea     r10, [rip + 2f]
        jmp     check
2:      lea     rax, [rip + 3f]
        mov     r9d, 2
        jmp     rax
3:      lea     r10, [rip + 4f]
        jmp     check
4:      mov     r9d, 3
        mov     ecx, 5
5:      loop    5b
        lea     r10, [rip + 6f]
        jmp     check
6:      mov     r9d, 4
        lea     rax, [rip + 7f]
        mov     [rip + slot], rax
        jmp     [rip + slot]
7:      lea     r10, [rip + 8f]
        jmp     check
8:      mov     r9d, 5
        mov     eax, 39                 /* getpid */
        syscall
        lea     r10, [rip + 9f]
        jmp     check
9:      mov     r9d, 6
        dec     ebx
        jnz     again
        finish  0
fill:   pop     r11                     /* fills [rsp-128, rsp) of the caller */
        mov     ecx, 16
11:     mov     rax, rcx
        neg     rax
        mov     qword ptr [rsp + rax*8], 0x5a5a5a5a
        dec     ecx
        jnz     11b
        jmp     r11
check:  mov     edx, 16                 /* goes on at r10 */
12:     mov     rax, rdx
        neg     rax
        cmp     qword ptr [rsp + rax*8], 0x5a5a5a5a
        jne     bad
        dec     edx
        jnz     12b
        jmp     r10
bad:    mov     edi, r9d
        mov     eax, 231
        syscall
        .bss
slot:   .quad   0
