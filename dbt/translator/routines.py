"""The templates that no rule chooses: what the engine emits around the units.

Prologues, by which indirect branches and host calls arrive; miss and hit routines, which look
addresses up; stubs and far jumps of exits (language: template.py).
"""

from __future__ import annotations

from dbt.translator.template import Collector, Template

_template = Collector()

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
    mov rcx, gs:[rcx + SPILL_RCX]
    """,
    fixed=("rcx",),
    entry_spilled=("rcx",),
    keeps_spilled=True,
    entry_where="stack",
    guest="arrival at a unit by a return",
    host="compares bits 16 to 47 of the address returned to, without touching flags; reloads rcx "
    "from a place that bits 48 to 63 move",
    why="the table's index has settled the low 16 bits; another address goes to the miss routine. "
    "The difference, zero-extended, less one has its upper half set only when it was 0; bswap "
    "brings that half to ecx, so that the branch is not taken on a match (a taken one costs "
    "fib 0.3 of its native time). What passes is a known address but for its upper bits: any "
    "that is set makes the reload fault, since rcx's slot is the last in front of memory that "
    "cannot be read, with the guest standing at an address that is not canonical",
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
    mov rcx, gs:[rcx + SPILL_RCX]
    """,
    fixed=("rcx",),
    entry_spilled=("rcx",),
    keeps_spilled=True,
    entry_where="key",
    guest="arrival at a unit by an indirect jump or call; the entry is the second instruction",
    host="compares the address in the context, without touching flags",
    why="as return_prologue",
)

_SECOND_WAYS = 4
_PROBE_BYTES = 19  # of one probe with its step to the next
_LEAVE_BYTES = 47  # from the last probe to the hit routine
_COUNT_LOOKUP = """
mov rdx, gs:[COUNTERS_AT+8]
lea rdx, [rdx + 1]
mov gs:[COUNTERS_AT+8], rdx
"""  # at dbt_profile_counters.second_lookups

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
    for _count in ("", _COUNT_LOOKUP):
        _template(
            f"{_kind}_miss{'_counted' if _count else ''}",
            f"""
            .commit {_where}
            {_key}
            {_count}
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
            guest=f"an indirect branch whose slot in the table of {_kind}s is empty or holds "
            "another address",
            host="looks the address up in the second-level table; not there: hands it to the VMM"
            + ("; counts the thread's lookups before" if _count else ""),
            why="all empty slots and all failed checks lead here. The second level holds minus "
            "the whole address and the number of the table, so that one lea compares 64 bits "
            "without touching flags. An address may stand in any of four neighbouring places, the "
            "first of them chosen by bits 0 to 15 plus 72 times bits 16 to 31, so that addresses "
            "64 KB apart do not meet again. The branches skip the reloads and lead to the hit "
            "routine emitted behind",
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

_SITE = "mov dword ptr gs:[SITE], offset hole_site"
_COUNT = {
    "": """
        mov {s0}, gs:[hole_counter]
        lea {s0}, [{s0} + 1]
        mov gs:[hole_counter], {s0}
        """,
    "_over": "inc qword ptr gs:[hole_counter]",
}

for _ends, _site in (("unit", ""), ("branch", _SITE)):
    for _flags, _count in _COUNT.items():
        _template(
            f"count_{_ends}{_flags}",
            _site + "\n" + _count,
            scratch=0 if _flags else 1,
            costs_flags=bool(_flags),
            guest="nothing: it is put in when executions are counted, "
            + (
                "before the first instruction that overwrites the flags"
                if _flags
                else "before a unit's first instruction when no instruction overwrites the flags"
            ),
            host="adds 1 to the unit's counter among those of the thread"
            + ("; says which unit's indirect branch is under way" if _site else ""),
            why="a counter has one thread that writes it, so nothing is lost. "
            + (
                "inc changes flags that are overwritten next; a thread that is interrupted between "
                "the two has that instruction carried out in C (core/finish.c)"
                if _flags
                else "lea leaves the flags alone; the register is not reloaded where it is "
                "overwritten before it is read"
            )
            + (". What leaves the unit before its branch clears SITE" if _site else ""),
        )

_template(
    "note_arrival",
    """
    mov {s0d}, gs:[NOTED]
    movabs {s1}, offset hole_word
    mov gs:[{s0} + COUNTERS_AT+8], {s1}
    mov {s1d}, gs:[SITE]
    mov gs:[{s0} + COUNTERS_AT], {s1}
    lea {s0d}, [{s0} + 16]
    mov gs:[NOTED], {s0}
    """,
    scratch=2,
    guest="the end of an indirect branch, when executions are counted",
    host="notes the branch's unit and its target",
    why="the VMM sums the notes when there is no more room for them: then the first store faults. "
    "The last store moves on and clears SITE at once, so that a signal finds the branch noted, or "
    "under way",
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
    "check_begin",
    """
    mov ecx, gs:[CHECKS_LEFT]
    lea ecx, [rcx - 1]
    mov gs:[CHECKS_LEFT], ecx
    """,
    fixed=("rcx", "rdx"),
    keeps_spilled=True,
    guest="entry of a unit whose page keeps being written",
    host="counts the entry; then come check_8 and the like, then check_end",
    why="now and then the VMM looks whether the page still changes",
)

for _bytes, _load in (
    (8, "mov rcx, [rcx]\nmovabs rdx, offset hole_minus_value\nlea rcx, [rcx + rdx]"),
    (4, "mov ecx, [rcx]\nlea ecx, [rcx + hole_minus_value_low]"),
    (2, "movzx ecx, word ptr [rcx]\nlea ecx, [rcx + hole_minus_value_low]"),
    (1, "movzx ecx, byte ptr [rcx]\nlea ecx, [rcx + hole_minus_value_low]"),
):
    _template(
        f"check_{_bytes}",
        f"""
        movabs rcx, offset hole_word
        {_load}
        jrcxz . + 7
        .leave
        """,
        fixed=("rcx", "rdx"),
        entry_spilled=("rcx", "rdx"),
        keeps_spilled=True,
        guest=f"{_bytes} bytes of the unit's source",
        host="leaves for the VMM unless they are what was translated",
        why="lea and jrcxz keep the flags",
    )

_template(
    "check_end",
    """
    mov ecx, gs:[CHECKS_LEFT]
    jecxz . - 13
    """,
    fixed=("rcx", "rdx"),
    entry_spilled=("rcx", "rdx"),
    guest="the last byte of the unit's source is checked",
    host="leaves by the jump of the last check when the count has come to 0",
    why="the VMM tells by the count why the unit left",
)

_template(
    "check_stub",
    """
    mov rcx, gs:[SPILL_RCX]
    mov rdx, gs:[SPILL_RDX]
    mov dword ptr gs:[EXIT_ID], offset hole_exit
    jmp gs:[EXIT_ROUTINE]
    """,
    fixed=("rcx", "rdx"),
    entry_spilled=("rcx", "rdx"),
    ends=True,
    guest="a unit whose source has changed, or is to be looked at",
    host="names the exit and enters the VMM, with the guest at the unit's first instruction",
    why="as stub; it reloads itself, since it lies outside the unit's state map",
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

ROUTINES: tuple[Template, ...] = tuple(_template.templates)
"""Those templates, numbered behind the ones that rules choose."""
