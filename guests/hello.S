/* Tests: the smallest static program: write and exit, no C library, at 0x400000.
 * Expected: status 0, prints "hello". */
#include "guest.inc"
        .globl  _start
_start: say     text, 6
        finish  0
        .section .rodata
text:   .ascii  "hello\n"
