/* Tests: exit(2) with a status beyond 8 bits: the parent sees the low 8.
 * Expected: status 42. */
#include "guest.inc"
        .globl  _start
_start: mov     edi, 0x12a
        mov     eax, 60
        syscall
        ud2
