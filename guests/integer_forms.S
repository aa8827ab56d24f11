/* Tests: integer instructions that are copied as they are, each with a register and a memory form:
 * movsxd, bsf, bsr, bt family, shld, shrd, rcl, adc, xadd, cmpxchg, cmpxchg8b/16b, bswap, popcnt,
 * crc32, movbe, tzcnt, lzcnt. Prints a running mix of their results. Expected: status 0. */
#include "guest.inc"
        .globl  _start
.macro  mix register
        rol     r15, 7
        xor     r15, \register
.endm
_start: mov     r15, 1
        mov     r14d, 1000
        mov     r12, 0x243f6a8885a308d3
again:  imul    r12, r12, 1664525
        add     r12, 1013904223
        mov     [rip + place], r12
        movsxd  rax, r12d
        mix     rax
        movsxd  rax, dword ptr [rip + place + 4]
        mix     rax
        bsf     rcx, r12
        mix     rcx
        bsr     rcx, qword ptr [rip + place]
        mix     rcx
        mov     ecx, r12d
        shld    rax, r12, cl
        mix     rax
        shrd    [rip + place], rax, 13
        and     ecx, 511
        bt      [rip + place], ecx      /* may lie outside the quadword */
        adc     rax, [rip + place]
        mix     rax
        and     ecx, 63
        bts     [rip + place], rcx
        mov     rdx, rax
        and     edx, 511
        btr     [rip + place], rdx
        neg     rdx
        btc     [rip + place + 64], rdx
        rcl     qword ptr [rip + place], 5
        rcr     rax, cl
        mix     rax
        lock xadd [rip + place], rax
        mix     rax
        mov     rax, [rip + place]
        lock cmpxchg [rip + place], r12
        expect  e, 1
        mov     rax, [rip + pair]
        mov     rdx, [rip + pair + 8]
        mov     rbx, r12
        mov     rcx, r15
        lock cmpxchg16b [rip + pair]
        expect  e, 2
        cmpxchg16b [rip + pair]         /* fails: loads the pair */
        mix     rdx
        mov     eax, [rip + pair]
        mov     edx, [rip + pair + 4]
        cmpxchg8b [rip + pair]
        bswap   rax
        mix     rax
        popcnt  rcx, [rip + pair]
        mix     rcx
        crc32   rcx, qword ptr [rip + pair]
        mix     rcx
        movbe   rcx, [rip + pair]
        mix     rcx
        tzcnt   rcx, r12
        lzcnt   rdx, [rip + pair]
        sub     rdx, rcx
        mix     rdx
        cmovl   rax, [rip + pair + 8]
        mix     rax
        xchg    ah, bl
        movsx   ecx, ah
        mix     rcx
        dec     r14d
        jnz     again
        mov     rdi, r15
        call    print_hex
        finish  0
#include "print.inc"
        .data
        .balign 16
pair:   .quad   1, 2
place:  .zero   64
