"""The templates: what is emitted for each kind of guest instruction (language: template.py)."""

from __future__ import annotations

from dbt.translator.template import Template, lines

_TEMPLATES: list[Template] = []


def _template(
    name: str,
    body: str,
    *,
    guest: str,
    host: str,
    why: str,
    scratch: int = 0,
    fixed: tuple[str, ...] = (),
    keeps_spilled: bool = False,
    entry_spilled: tuple[str, ...] = (),
    entry_where: str = "this",
    ends: bool = False,
) -> None:
    _TEMPLATES.append(
        Template(
            name,
            lines(body),
            scratch,
            fixed,
            keeps_spilled,
            entry_spilled,
            entry_where,
            ends,
            guest,
            host,
            why,
        )
    )


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

_template(
    "ret_paired",
    """
    movzx ecx, word ptr [rsp]
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
    host="a host return through the table of return targets; the target compares the rest of the "
    "address",
    why="as ret, but predicted by the return predictor whatever the branch history: the host "
    "address is pushed below the red zone and dropped with all above it; the guest's is still at "
    "[rsp-8] then",
)

_template(
    "ret_paired_wide",
    """
    mov ecx, [rsp]
    pext ecx, ecx, gs:[RETURN_MASK]
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
    host="as ret_paired, the table being indexed by more bits",
    why="large programs have tens of thousands of return points; with 16 bits many share a slot. "
    "pext with a mask of ones is an and that leaves the flags alone",
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

# Not chosen by rules: pieces that the engine emits around the units.

_template(
    "return_miss_jump",
    """
    .commit stack
    jmp gs:[RETURN_MISS_ROUTINE]
    """,
    fixed=("rcx",),
    entry_spilled=("rcx",),
    keeps_spilled=True,
    entry_where="stack",
    ends=True,
    guest="a return that arrived at the wrong unit",
    host="a jump to the miss routine",
    why="it lies before units, within reach of the short branch in return_prologue",
)

_template(
    "return_prologue",
    """
    .commit stack
    mov ecx, [rsp - 6]
    lea ecx, [rcx + hole_key]
    lea rcx, [rcx - 1]
    bswap rcx
    jecxz hole_miss_point
    movzx ecx, word ptr [rsp - 2]
    movzx ecx, byte ptr [rcx + hole_guard]
    """,
    fixed=("rcx",),
    entry_spilled=("rcx",),
    entry_where="stack",
    guest="arrival at a unit by a return",
    host="compares bits 16 to 47 of the address returned to, without touching flags; loads from a "
    "guarded place that bits 48 to 63 move",
    why="the table's index has settled the low 16 bits; another address goes to the miss routine. "
    "The difference, zero-extended, less one has its upper half set only when it was 0; bswap "
    "brings that half to ecx, so that the branch is not taken on a match (a taken one costs "
    "fib 0.3 of its native time). What passes is a known address but for its upper bits: any "
    "that is set makes the last load fault, with the guest standing at an address that is not "
    "canonical",
)

_template(
    "call_prologue",
    """
    .low 136
    lea rsp, [rsp + 136]
    """,
    guest="arrival at a unit by a host call",
    host="drops the host return address and what it was pushed below",
    why="lea keeps flags; the guest's return address is then on top, as the guest expects",
)

_template(
    "jump_prologue",
    """
    .commit key
    jmp gs:[MISS_ROUTINE]
    mov ecx, gs:[KEY+2]
    lea ecx, [rcx + hole_key]
    lea rcx, [rcx - 1]
    bswap rcx
    jecxz . - 29
    movzx ecx, word ptr gs:[KEY+6]
    movzx ecx, byte ptr [rcx + hole_guard]
    """,
    fixed=("rcx",),
    entry_spilled=("rcx",),
    entry_where="key",
    guest="arrival at a unit by an indirect jump or call; the entry is the second instruction",
    host="compares the address in the context, without touching flags",
    why="as return_prologue",
)

_SECOND_WAYS = 4
_PROBE_BYTES = 19  # of one probe with its step to the next
_LEAVE_BYTES = 47  # from the last probe to the hit routine

for _kind, _number, _where, _key in (
    ("return", 1, "stack", "mov rcx, [rsp - 8]\nmov gs:[KEY], rcx\n.commit key"),
    ("jump", 2, "key", ""),
):
    _probes = "lea rax, [rax + 2]\n".join(
        f"""
        mov rcx, qword ptr [hole_second + rax*8]
        lea rcx, [rcx + rdx + {_number}]
        jrcxz . + {2 + _LEAVE_BYTES + (_SECOND_WAYS - 1 - _way) * _PROBE_BYTES}
        """
        for _way in range(_SECOND_WAYS)
    )
    _template(
        f"{_kind}_miss",
        f"""
        .commit {_where}
        {_key}
        movzx ecx, word ptr gs:[KEY]
        movzx edx, word ptr gs:[KEY+2]
        lea edx, [rdx + rdx*8]
        lea ecx, [rcx + rdx*8]
        movzx eax, cx
        lea eax, [rax*4]
        mov rdx, gs:[KEY]
        {_probes}
        .reload
        mov dword ptr gs:[EXIT_ID], {_number}
        jmp gs:[EXIT_ROUTINE]
        """,
        fixed=("rax", "rcx", "rdx"),
        entry_spilled=("rcx",),
        entry_where=_where,
        ends=True,
        guest=f"an indirect branch whose slot in the table of {_kind}s is empty or holds another "
        "address",
        host="looks the address up in the second-level table; not there: hands it to the VMM",
        why="all empty slots and all failed checks lead here. The second level holds minus the "
        "whole address and the number of the table, so that one lea compares 64 bits without "
        "touching flags. An address may stand in any of four neighbouring places, the first of "
        "them chosen by bits 0 to 15 plus 72 times bits 16 to 31, so that addresses 64 KB apart "
        "do not meet again. The branches skip the reloads and lead to the hit routine emitted "
        "behind",
    )
    for _wide in (False, True) if _kind == "return" else (False,):
        _index = "mov edx, gs:[KEY]\npext edx, edx, gs:[RETURN_MASK]" if _wide else ""
        _index_bytes = 19 if _wide else 0
        _template(
            f"{_kind}_hit{'_wide' if _wide else ''}",
            f"""
            .commit key
            mov rcx, qword ptr [hole_second + 8 + rax*8]
            jrcxz . - {_LEAVE_BYTES + 8}
            bswap rcx
            mov gs:[RESUME], rcx
            movzx ecx, cx
            movzx edx, dx
            lea ecx, [rcx + rdx]
            movzx ecx, cx
            jrcxz . + 4
            jmp . - {_LEAVE_BYTES + 36}
            mov rcx, gs:[RESUME]
            mov cx, 0
            bswap rcx
            {_index}
            xchg qword ptr [hole_{_kind}s + rdx*8], rcx
            mov rcx, qword ptr [hole_second + 8 + rax*8]
            bswap rcx
            not rcx
            mov rdx, gs:[RESUME]
            lea rcx, [rcx + rdx + 1]
            jrcxz . + 7
            jmp . - {_LEAVE_BYTES + 92 + _index_bytes}
            mov dx, 0
            bswap rdx
            mov gs:[RESUME], rdx
            .reload_but_rcx
            jmp gs:[RESUME]
            """,
            fixed=("rax", "rcx", "rdx"),
            entry_spilled=("rax", "rcx", "rdx"),
            entry_where="key",
            ends=True,
            guest=f"an indirect branch found in the second-level table of {_kind}s",
            host=f"puts its entry into the table of {_kind}s and goes there",
            why="of two hot addresses that share a slot the last one used has it. Other threads "
            "change the second level meanwhile, so the entry carries minus the low 16 bits of its "
            "address: only an entry that belongs into the slot is put there. Then it must still "
            "stand in the second level, or whoever retires the unit may have looked at the slot "
            "too early (xchg orders the two; not keeps flags); otherwise the VMM decides",
        )

_template(
    "stub",
    """
    mov dword ptr gs:[EXIT_ID], offset hole_exit
    jmp gs:[EXIT_ROUTINE]
    """,
    ends=True,
    guest="a direct exit that is not linked",
    host="names the exit and enters the VMM",
    why="the VMM translates the target and links the exit",
)

_template(
    "call_stub",
    """
    .low 136
    lea rsp, [rsp + 136]
    .high
    mov dword ptr gs:[EXIT_ID], offset hole_exit
    jmp gs:[EXIT_ROUTINE]
    """,
    ends=True,
    guest="a direct call that is not linked",
    host="drops the host return address, names the exit and enters the VMM",
    why="as stub",
)

_template(
    "table_stub",
    """
    .commit key
    .low 136
    lea rsp, [rsp + 136]
    .high
    jmp qword ptr [hole_jumps + rcx*8]
    """,
    fixed=("rcx",),
    entry_spilled=("rcx",),
    keeps_spilled=True,
    entry_where="key",
    ends=True,
    guest="an indirect call, behind its host call",
    host="drops the host return address and goes through the table of jump targets",
    why="jumps and calls share that table, and a jump has nothing to drop",
)

_template(
    "far_link",
    "jmp qword ptr [rip + hole_target_literal]",
    ends=True,
    guest="a direct exit whose target lies more than 2 GB away in the TC",
    host="a jump through a literal",
    why="arenas serve neighbourhoods that may lie apart",
)

TEMPLATES: tuple[Template, ...] = tuple(_TEMPLATES)
"""All templates, in the order of their numbers in the rendered tables."""
