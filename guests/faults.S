/* Tests: each processor fault with its default disposition. argv[1] is one letter, the case below.
 * Expected: death by the signal named at the case (the wait status is compared). */
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
        case    'a', read_null
        case    'b', write_text
        case    'c', jump_data
        case    'd', divide_zero
        case    'e', divide_overflow
        case    'f', undefined
        case    'g', breakpoint
        case    'h', halt
        case    'i', port_in
        case    'j', disable_interrupts
        case    'k', non_canonical_read
        case    'l', non_canonical_call
        case    'm', non_canonical_ret
        case    'n', jump_null
        case    'o', bad_opcode
        case    'p', misaligned_sse
        case    'q', lock_illegal
        case    'r', interrupt_3
        case    's', icebp
        case    't', call_unmapped_near
        case    'u', too_long
        case    'v', move_control
        case    'w', stack_gone_call
        case    'x', stack_gone_ret
        case    'y', overflow_trap_invalid
        case    'z', jump_kernel
        case    'A', read_monitor
        case    'B', swapgs_case
        case    'C', alignment_check
        case    'D', trap_flag
        case    'E', interrupt_4
        case    'F', far_call_null
        case    'G', load_bad_segment
        case    'H', loop_to_nowhere
        case    'I', non_canonical_stack
        finish  2
read_null:                              /* SIGSEGV */
        mov     eax, [0]
        finish  3
write_text:                             /* SIGSEGV */
        mov     byte ptr [rip + write_text], 0
        finish  3
jump_data:                              /* SIGSEGV: no execute permission */
        lea     rax, [rip + data]
        jmp     rax
divide_zero:                            /* SIGFPE */
        xor     ecx, ecx
        mov     eax, 7
        cdq
        idiv    ecx
        finish  3
divide_overflow:                        /* SIGFPE */
        mov     eax, 0x80000000
        cdq
        mov     ecx, -1
        idiv    ecx
        finish  3
undefined:                              /* SIGILL */
        ud2
breakpoint:                             /* SIGTRAP */
        int3
        finish  3
halt:   hlt                             /* SIGSEGV */
port_in:
        in      al, dx                  /* SIGSEGV */
disable_interrupts:
        cli                             /* SIGSEGV */
        finish  3
non_canonical_read:                     /* SIGSEGV */
        mov     rax, 0x8000000000001000
        mov     eax, [rax]
non_canonical_call:                     /* SIGSEGV */
        mov     rax, 0x1234000000401000
        call    rax
non_canonical_ret:                      /* SIGSEGV */
        lea     rax, [rip + success]
        bts     rax, 60
        push    rax
        ret
jump_null:                              /* SIGSEGV */
        xor     eax, eax
        jmp     rax
bad_opcode:                             /* SIGILL */
        .byte   0x06
        finish  3
misaligned_sse:                         /* SIGSEGV */
        lea     rax, [rip + data + 1]
        movaps  xmm0, [rax]
        finish  3
lock_illegal:                           /* SIGILL */
        .byte   0xf0, 0x89, 0xc0
        finish  3
interrupt_3:                            /* SIGTRAP */
        .byte   0xcd, 3
        finish  3
icebp:  .byte   0xf1                    /* SIGTRAP */
        finish  3
call_unmapped_near:                     /* SIGSEGV */
        call    success + 0x10000000
too_long:                               /* SIGSEGV: 16 bytes */
        .fill   15, 1, 0x66
        nop
        finish  3
move_control:                           /* SIGSEGV */
        mov     rax, cr0
        finish  3
stack_gone_call:                        /* SIGSEGV */
        mov     esp, 4096
        call    success
stack_gone_ret:                         /* SIGSEGV */
        mov     esp, 4096
        ret
overflow_trap_invalid:                  /* SIGILL: into */
        .byte   0xce
        finish  3
jump_kernel:                            /* SIGSEGV */
        mov     rax, 0xffffffff81000000
        jmp     rax
read_monitor:                           /* SIGSEGV */
        xor     ecx, ecx
        rdmsr
        finish  3
swapgs_case:                            /* SIGSEGV */
        swapgs
        finish  3
alignment_check:                        /* SIGBUS */
        pushfq
        bts     qword ptr [rsp], 18
        popfq
        mov     eax, [rip + data + 1]
        finish  3
trap_flag:                              /* SIGTRAP */
        pushfq
        bts     qword ptr [rsp], 8
        popfq
        nop
        finish  3
interrupt_4:                            /* SIGSEGV: the gate answers int 4, which the kernel maps */
        int     4
        finish  3
far_call_null:                          /* SIGSEGV */
        mov     qword ptr [rip + data], 0
        mov     qword ptr [rip + data + 8], 0
        .byte   0x48
        call    fword ptr [rip + data]
        finish  3
load_bad_segment:                       /* SIGSEGV */
        mov     eax, 0x1ff8
        mov     gs, eax
        finish  3
loop_to_nowhere:                        /* SIGSEGV at the target of a taken jcc */
        xor     eax, eax
        jz      success + 0x20000000
non_canonical_stack:                    /* SIGBUS: a stack fault */
        mov     rsp, 0x4000000000000000
        push    rax
success:
        finish  0
        .data
data:   .quad   0xc3, 0, 0
