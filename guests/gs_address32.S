/* Tests: gs-relative operands with a 67 prefix: the offset is cut to 32 bits before the base is
 * added. Expected: status 0, prints nothing. */
#include "guest.inc"
        .globl  _start
_start: lea     r12, [rip + area]
        wrgsbase r12
        mov     rax, 0xffffffff00000008
        expect_equal(qword ptr gs:[eax], 108, 1)
        mov     ecx, -8
        expect_equal(qword ptr gs:[eax + ecx], 100, 2)
        mov     rsi, 0x700000010        /* string form: esi */
        addr32 lods rax, qword ptr gs:[esi]
        expect_equal(rax, 116, 3)
        expect_equal(rsi, 24, 4)
        mov     rbx, 0x900000000
        mov     eax, 8
        addr32 xlat byte ptr gs:[ebx]
        expect_equal(al, 108, 5)
        finish  0
        .data
        .balign 16
area:   .quad   100, 108, 116, 124
