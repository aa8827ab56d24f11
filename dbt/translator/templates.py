"""The templates that rules choose: what is emitted for each kind of guest instruction.

``template.py`` tells the language; ``routines.py`` has the pieces that stand around them.
"""

from __future__ import annotations

from dbt.translator.routines import ROUTINES
from dbt.translator.template import Collector, Template

_template = Collector()

_template(
    "ident",
    ".guest",
    guest="any instruction whose meaning does not depend on where it stands",
    host="the same bytes",
    why="guest registers live in the same host registers, guest memory at the same addresses",
)

_template(
    "pcrel_near",
    ".guest near",
    guest="a RIP-relative operand within reach of the TC",
    host="the same instruction, its displacement moved",
    why="the arena lies within 2 GB of the code it serves, so the operand mostly stays in reach",
)

_template(
    "pcrel_far",
    """
    movabs {s0}, offset hole_operand
    .guest base s0
    """,
    scratch=1,
    guest="a RIP-relative operand out of reach of the TC",
    host="its address in a scratch register, the operand based on that",
    why="movabs reaches everything; the scratch register is spilled, so a fault finds it again",
)

_template(
    "pcrel_gs",
    """
    movabs {s0}, offset hole_operand
    mov {s1}, gs:[GUEST_GS_BASE]
    lea {s0}, [{s0} + {s1}]
    .guest base s0
    """,
    scratch=2,
    guest="a RIP-relative operand in the gs segment",
    host="gs base plus address in a scratch register, the operand based on that",
    why="host gs is the thread context, so the guest's gs base is added by hand; lea keeps flags",
)

_template(
    "gs_operand",
    """
    mov {s0}, gs:[GUEST_GS_BASE]
    .add_base s0
    .guest base s0
    """,
    scratch=1,
    guest="a ModRM memory operand in the gs segment",
    host="gs base plus base register in a scratch register, the operand based on that",
    why="index, scale and displacement stay; the override is dropped; lea keeps flags",
)

_template(
    "gs_swapped",
    """
    mov {s0}, gs:[GUEST_GS_BASE]
    mov {s1}, gs:[SELF]
    wrgsbase {s0}
    .guest
    wrgsbase {s1}
    """,
    scratch=2,
    guest="a gs access that ModRM does not describe: string, moffs, VSIB, 32-bit address",
    host="the same bytes under the guest's own gs base",
    why="nothing can be substituted; handlers find the context from the alternate stack meanwhile",
)

_template(
    "jcc",
    """
    .jcc
    .commit next
    .jump next
    """,
    ends=True,
    guest="conditional jump",
    host="jcc rel32 to the taken exit, then the fall-through",
    why="flags are the guest's at that point; each exit is linked on its own",
)

_template(
    "loop",
    """
    .short
    .commit next
    .jump next
    .commit target
    .jump taken
    """,
    ends=True,
    guest="loop, loope, loopne, jcxz, jecxz, jrcxz",
    host="the same instruction over a jump to the fall-through exit, then a jump to the taken exit",
    why="these branches have only an 8-bit displacement",
)

_template(
    "jmp",
    ".jump taken",
    ends=True,
    guest="direct jump",
    host="jmp rel32 to the exit, or nothing when the target's unit follows",
    why="a direct target is known at translation",
)

_template(
    "call_low",
    """
    push offset hole_next
    .commit target
    .jump taken
    """,
    ends=True,
    guest="direct call whose return address fits in a sign-extended 32-bit immediate",
    host="push of the guest return address, then a jump",
    why="one 8-byte store, so that the return's load can be forwarded from it",
)

_template(
    "call",
    """
    push qword ptr [rip + hole_next_literal]
    .commit target
    .jump taken
    """,
    ends=True,
    guest="direct call",
    host="push of the guest return address from a literal, then a jump",
    why="one 8-byte store and no register needed",
)

_template(
    "call_paired_low",
    """
    .island
    push offset hole_next
    .commit target
    lea rsp, [rsp - 128]
    .low 128
    .call
    """,
    ends=True,
    guest="direct call whose return address fits in a sign-extended 32-bit immediate",
    host="push of the guest return address, then a host call to the target's call entry",
    why="the host call is there for the processor's return predictor alone: what it pushes is "
    "dropped at once by the call entry, and what follows the call is the unit for the return "
    "point. It is pushed below the red zone, where a signal frame may land at any time",
)

_template(
    "call_paired",
    """
    .island
    push qword ptr [rip + hole_next_literal]
    .commit target
    lea rsp, [rsp - 128]
    .low 128
    .call
    """,
    ends=True,
    guest="direct call",
    host="as call_paired_low, the return address from a literal",
    why="one 8-byte store and no register needed",
)

for _suffix, _index, _what, _why in (
    ("", "movzx ecx, word ptr [rsp]", "", ""),
    (
        "_wide",
        "mov ecx, [rsp]\npext ecx, ecx, gs:[RETURN_MASK]",
        ", indexed by more bits",
        ". Large programs have tens of thousands of return points; with 16 bits many share a slot. "
        "pext with a mask of ones is an and that leaves the flags alone",
    ),
):
    _template(
        f"ret_paired{_suffix}",
        f"""
        {_index}
        lea rsp, [rsp - 128]
        .low 128
        push qword ptr [hole_returns + rcx*8]
        .low 136
        ret 136
        """,
        fixed=("rcx",),
        keeps_spilled=True,
        ends=True,
        guest="near return",
        host=f"a host return through the table of return targets{_what}; the target compares the "
        "rest of the address",
        why="as ret, but predicted by the return predictor whatever the branch history: the host "
        "address is pushed below the red zone and dropped with all above it; the guest's is still "
        f"at [rsp-8] then{_why}",
    )

_template(
    "ret",
    """
    pop rcx
    .commit stack
    movzx ecx, cx
    jmp qword ptr [hole_returns + rcx*8]
    """,
    fixed=("rcx",),
    keeps_spilled=True,
    ends=True,
    guest="near return",
    host="a jump through the table of return targets; the target compares the rest of the address",
    why="no compare before the jump: the prologue at the target verifies, off the critical path; "
    "the address popped is still at [rsp-8], which signal frames leave alone (red zone)",
)

_template(
    "ret_imm",
    """
    mov rcx, [rsp]
    mov gs:[KEY], rcx
    lea rsp, [rsp + hole_pop]
    .commit key
    movzx ecx, cx
    jmp qword ptr [hole_jumps + rcx*8]
    """,
    fixed=("rcx",),
    keeps_spilled=True,
    ends=True,
    guest="near return that also pops its arguments",
    host="as an indirect jump to the address on the stack",
    why="the address lies too far below rsp afterwards to be found again there",
)

_table_call = """
lea rsp, [rsp - 128]
.low 128
.call_table
"""

for _suffix, _load, _what in (
    ("", ".load", "through a register or memory"),
    ("_near", ".load_moved", "through a RIP-relative operand within reach"),
    (
        "_far",
        "movabs rcx, offset hole_operand\n.load_base rcx",
        "through a far RIP-relative operand",
    ),
    (
        "_gs",
        "mov {s0}, gs:[GUEST_GS_BASE]\n.add_base s0\n.load_base s0\n.reload_but_rcx",
        "through memory in the gs segment",
    ),
):
    _template(
        f"ijmp{_suffix}",
        f"""
        {_load}
        mov gs:[KEY], rcx
        .commit key
        movzx ecx, cx
        jmp qword ptr [hole_jumps + rcx*8]
        """,
        scratch=1 if _suffix == "_gs" else 0,
        fixed=("rcx",),
        keeps_spilled=True,
        ends=True,
        guest=f"indirect jump {_what}",
        host="a jump through the table of jump targets; the target compares the rest of the "
        "address",
        why="as ret; the address waits in the context, since the stack below rsp may be in use",
    )
    for _low in (True, False):
        for _paired in (True, False):
            _push = "push offset hole_next" if _low else "push qword ptr [rip + hole_next_literal]"
            _template(
                f"icall{_suffix}{'_paired' if _paired else ''}{'_low' if _low else ''}",
                f"""
                {".island" if _paired else ""}
                {_load}
                mov gs:[KEY], rcx
                {_push}
                .commit key
                movzx ecx, cx
                {_table_call if _paired else "jmp qword ptr [hole_jumps + rcx*8]"}
                """,
                scratch=1 if _suffix == "_gs" else 0,
                fixed=("rcx",),
                keeps_spilled=True,
                ends=True,
                guest=f"indirect call {_what}",
                host="the target into the context, the return address pushed, a jump through the "
                "table"
                + (", by way of a host call for the return predictor" if _paired else ""),
                why="the operand is read before the push, as the processor does",
            )

_template(
    "syscall",
    ".exit syscall",
    ends=True,
    guest="system call",
    host="an exit to the VMM",
    why="the personality carries it out",
)

_template(
    "popf",
    """
    .guest
    .commit next
    .jump next
    """,
    ends=True,
    guest="popf",
    host="the same bytes, then a jump to the next unit",
    why="popf may set the trap flag: the host then traps behind one more instruction, the jump, "
    "where the guest still stands before its next one",
)

_template(
    "callout",
    ".exit callout",
    ends=True,
    guest="an instruction that C carries out: cpuid, gs base and gs selector, xbegin",
    host="an exit to the VMM",
    why="rare, and what it shows is virtual",
)

_template(
    "unsupported",
    ".exit unsupported",
    ends=True,
    guest="an instruction this engine does not carry out: far branches, iret, 32-bit system calls",
    host="an exit to the VMM",
    why="refused by name, never run wrong",
)

_template(
    "invalid",
    "ud2",
    ends=True,
    guest="bytes that are no instruction",
    host="ud2",
    why="it raises the same exception at the same guest pc",
)

_template(
    "too_long",
    "hlt",
    ends=True,
    guest="an instruction of more than 15 bytes",
    host="hlt",
    why="it raises #GP at the same guest pc, as the length does (SDM vol. 2, 2.3.11)",
)

TEMPLATES: tuple[Template, ...] = (*_template.templates, *ROUTINES)
"""All templates, in the order of their numbers in the rendered tables."""
