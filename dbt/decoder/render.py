"""Renders the opcode table into csrc/generated/decode_tables.h and decode_data.h.

Row n of the C table is row n - 1 of `dbt.decoder.table.rows`; row 0 stands for no instruction. Each
opcode has one entry in each mode: a row number, or (with the top bit) the offset of a node, which
picks a child by a few bits of the selector that decode.c collects.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from dbt.decoder.table import MAPS, rows
from dbt.decoder.table_format import Operand, Row

# Fields of the selector: name, shift, width. decode.c builds the same word.
_FIELDS: Final[dict[str, tuple[int, int]]] = {
    "rm": (0, 3),
    "reg": (3, 3),
    "register": (8, 1),
    "prefix": (9, 2),
    "w": (11, 1),
    "length": (12, 2),
    "b": (14, 1),
}
_ORDER: Final = ("prefix", "register", "reg", "rm", "w", "length", "b")
_NODE: Final = 0x8000

_NOTICE: Final = "/* Rendered by dbt/decoder/render.py from the opcode table; edit that instead. */"
_TYPES: Final = """\
typedef struct dbt_decode_row {
    u32 flags; /* traits in the low half, DBT_ROW_ above */
    u16 effects;
    u8 class_;
    u8 immediate;
    u8 size;
    u8 tuple; /* disp8 scale, broadcast element size in the top two bits */
    u8 check;
    u8 reserved;
} dbt_decode_row;

typedef struct dbt_decode_effect {
    u32 flags_read;
    u32 flags_written;
    u32 flags_undefined;
    u16 read;
    u16 written;
    u16 operands[4]; /* place, read, written, width */
} dbt_decode_effect;
"""

_CLASSES: Final = {
    "jcc": "JCC", "loop": "LOOP", "jmp": "JMP", "call": "CALL", "ret": "RET", "ijmp": "IJMP",
    "icall": "ICALL", "far": "FAR", "syscall": "SYSCALL", "sysenter": "SYSENTER", "trap": "TRAP",
    "cpuid": "CPUID", "gsbase": "GSBASE", "segment": "SEGMENT", "popf": "POPF", "xbegin": "XBEGIN",
    "priv": "PRIVILEGED", "sens": "SENSITIVE",
}  # fmt: skip

# Traits (decode.h) that a row gives whatever its ModRM is.
_TRAITS: Final = {"string": 0x20, "implicit": 0x40, "stack": 0x80, "leave": 0x80, "memw": 0x100,
                  "fuse": 0x200, "input": 0x800, "saves": 0x1000}  # fmt: skip
_MODRM: Final = 0x1
_VSIB: Final = 0x10
_VECTOR: Final = 0x2000
_VECTOR_CODES: Final = ("V", "W", "U", "H", "L", "P", "Q", "N", "X", "KG", "KE", "KR", "KH", "TG",
                        "TR", "TH")  # fmt: skip
_VECTOR_NAMES: Final = {
    "emms", "femms", "vzeroupper", "vzeroall", "ldmxcsr", "vldmxcsr", "fxrstor", "xrstor",
    "ldtilecfg", "tilerelease",
}  # fmt: skip

ROW_FLAGS: Final = {
    "ACCESSED": 16,
    "WRITTEN": 17,
    "LOCK": 18,
    "VVVV": 19,
    "MASK": 20,
    "MASK_REQUIRED": 21,
    "ZEROING": 22,
    "ROUNDING": 23,
    "SUPPRESS": 24,
    "REPEAT": 25,
    "ANY_MOD": 26,
    "COUNT": 27,
    "NEAR": 28,
    "NO_ADDRESS": 29,
}

_SIZES: Final = ("v", "b", "w", "d", "q", "y", "m", "z", "d64", "f64")
_IMMEDIATES: Final = {
    (): 0, ("Ib",): 1, ("Is",): 2, ("Iw",): 3, ("Iz",): 4, ("Iv",): 5, ("Jb",): 6, ("Jz",): 7,
    ("Ob",): 8, ("Ov",): 8, ("Ap",): 9, ("Iwb",): 10, ("Ib", "Ib"): 11, ("Id",): 12, ("L",): 1,
    ("L", "I4"): 1,
}  # fmt: skip
# What a brief look knows of immediates: none, a byte, and those of 16, 32 or 64 bits.
_BRIEF_IMMEDIATES: Final = {0: 0, 1: 1, 2: 1, 4: 2, 5: 3}
_TUPLES: Final = {"vl": 0x10, "vl/2": 0x11, "vl/4": 0x12, "vl/8": 0x13, "dup": 0x20, "ny": 0x21,
                  "n1": 0, "n2": 1, "n4": 2, "n8": 3, "n16": 4, "n32": 5, "n64": 6}  # fmt: skip
CHECKS: Final = (
    "NONE", "SEGMENT_LOAD", "SEGMENT_STORE", "CONTROL", "DEBUG", "GATHER", "GATHER_EVEX", "SCATTER",
    "TILES", "SIB", "DISTINCT", "INT",
    "NO_OPERAND_PREFIX", "MASK", "MASK_PAIR", "GENERAL",
)  # fmt: skip

_FLAG_BITS: Final = {"C": 0x1, "P": 0x4, "A": 0x10, "Z": 0x40, "S": 0x80, "T": 0x100, "I": 0x200,
                     "D": 0x400, "O": 0x800, "N": 0x4000, "X": 0x40000}  # fmt: skip
_FIXED_V: Final = {"rAX": 0, "rCX": 1, "rDX": 2, "rBX": 3, "rBP": 5, "rSI": 6, "rDI": 7, "eAX": 0}
_LEGACY: Final = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")
_FIXED_FULL: Final = {
    **{f"e{name}": number for number, name in enumerate(_LEGACY)},
    **{f"r{name}": number for number, name in enumerate(_LEGACY)},
    **{f"r{number}": number for number in range(8, 16)},
    "addr": 0,
    "count": 1,
}
# Written together by skinit: rcx to rdi, r8 to r15.
_GROUPS: Final = {"legacy": 0x00FE, "extended": 0xFF00}
_FIXED_BYTE: Final = {"al": 0, "cl": 1, "dl": 2, "bl": 3, "ah": 0}
_FIXED_WORD: Final = {"ax": 0, "dx": 2}
_NOT_GENERAL: Final = {"es", "cs", "ss", "ds", "fs", "gs", "fsgs", "esds", "ssds", "V", "W", "U",
                       "H", "H4", "L", "P", "Q", "N", "KG", "KG2", "KE", "KR", "KH", "TG", "TR",
                       "TH", "bG", "bE", "X", "Cm", "Dm", "Ap", "I4"}  # fmt: skip
_REG, _RM, _VVVV, _LOW = 16, 17, 18, 19
_FULL, _BYTE, _WORD, _OPERAND_SIZE = 0, 1, 2, 3


def _modrm(row: Row) -> bool:
    if row.reg is not None or row.rm is not None or row.memory is not None:
        return True
    return any(
        op.code[0] in "EMRGVWUPQNSX" or op.code[:2] in ("KG", "KE", "KR", "TG", "TR", "bG", "bE")
        or op.code in ("Cm", "Dm")
        for op in row.operands
    )  # fmt: skip


def _rm_operand(row: Row) -> Operand | None:
    for op in row.operands:
        if op.code[0] in "EMWQX" or op.code in ("KE", "bE"):
            return op
    return None


def _size_kind(row: Row) -> int:
    for name in ("d64", "f64", "b", "v", "z"):
        if name in row.attributes:
            return _SIZES.index(name)
    for op in row.operands:
        code = op.code
        if code[0] in "ERGZBM" and len(code) == 2 and code[1] in "bwdqvyma":
            return _SIZES.index(code[1].replace("a", "m"))
        if code in _FIXED_BYTE:
            return _SIZES.index("b")
        if code == "eAX":
            return _SIZES.index("z")
        if code in ("rAX", "Iz", "Iv", "Jz"):
            return 0
    return 0


def _check(row: Row, number: int) -> str:
    codes = [op.code for op in row.operands]
    name = MAPS[number][0]
    if "Cm" in codes:
        return "CONTROL"
    if "Dm" in codes:
        return "DEBUG"
    if "Mx" in codes:
        if name.startswith("EVEX"):
            return "GATHER_EVEX" if "distinct" in row.attributes else "SCATTER"
        return "GATHER"
    if "Ms" in codes:
        return "SIB"
    if any(code in ("TG", "TR", "TH") for code in codes):
        return "TILES"
    if "destonly" in row.attributes:
        return "DISTINCT"
    if "KH" in codes:
        return "MASK_PAIR"
    if "KG" in codes or "KG2" in codes:
        return "MASK"
    if name.startswith("EVEX") and any(code[0] == "G" for code in codes):
        return "GENERAL"
    if "no66" in row.attributes:
        return "NO_OPERAND_PREFIX"
    if row.mnemonic == "int":
        return "INT"
    return "NONE"


def _is_vector(row: Row) -> bool:
    """Whether it may read or write x87, vector, mask or tile state."""
    is_x87 = row.mnemonic.startswith("f") and 0xD8 <= row.opcode <= 0xDF
    return (
        is_x87
        or row.mnemonic in _VECTOR_NAMES
        or any(op.code.startswith(_VECTOR_CODES) for op in row.operands)
    )


def _row_flags(row: Row) -> int:
    flags = _VECTOR if _is_vector(row) else 0
    for name, bit in _TRAITS.items():
        if name in row.attributes:
            flags |= bit
    if _modrm(row):
        flags |= _MODRM
    if any(op.code == "Mx" for op in row.operands):
        flags |= _VSIB

    def put(name: str, when: bool) -> None:
        nonlocal flags
        flags |= when << ROW_FLAGS[name]

    target = _rm_operand(row)
    put("ACCESSED", target is not None and target.access != "&")
    written = target is not None and target.access in ("=", "+", "?")
    put("WRITTEN", written)
    put("LOCK", "lock" in row.attributes and written)
    put("VVVV", any(op.code[0] in "HB" or op.code in ("KH", "TH") for op in row.operands))
    put("MASK", bool({"k", "kk"} & row.attributes))
    put("MASK_REQUIRED", "kk" in row.attributes)
    put("ZEROING", "z_" in row.attributes)
    put("ROUNDING", bool({"er", "igner"} & row.attributes))
    put("SUPPRESS", "sae" in row.attributes)
    put("REPEAT", "rep" in row.attributes)
    put("ANY_MOD", "anymod" in row.attributes)
    put("COUNT", "count" in row.attributes)
    put("NEAR", bool({"jcc", "loop", "jmp", "call", "xbegin"} & row.attributes))
    # Hints and undefined opcodes compute no address at all.
    put("NO_ADDRESS", row.mnemonic in ("nop", "ud0", "ud1"))
    return flags


def _immediate(row: Row) -> int:
    codes = tuple(op.code for op in row.operands if op.code[0] in "IJOA" or op.code == "L")
    return _IMMEDIATES[codes]


def _tuple(row: Row) -> int:
    value = next((_TUPLES[name] for name in _TUPLES if name in row.attributes), 0)
    for size, code in (("bc2", 1), ("bc4", 2), ("bc8", 3)):
        if size in row.attributes:
            value |= code << 6
    return value


def _flag_mask(letters: str) -> int:
    return sum(_FLAG_BITS[letter] for letter in set(letters))


def _effect_operand(op: Operand) -> tuple[int, int] | None:
    """Where (register number or _REG, ...) and how wide, or None for no general register."""
    code = op.code
    if code in _NOT_GENERAL or code[0] in "IJOM":
        return None
    for names, size in (
        (_FIXED_V, _OPERAND_SIZE),
        (_FIXED_FULL, _FULL),
        (_FIXED_BYTE, _BYTE),
        (_FIXED_WORD, _WORD),
    ):
        if code in names:
            return names[code], size
    place = {"E": _RM, "R": _RM, "G": _REG, "B": _VVVV, "Z": _LOW}[code[0]]
    width = {"b": _BYTE, "w": _WORD, "v": _OPERAND_SIZE, "z": _OPERAND_SIZE}.get(code[1], _FULL)
    return place, width


def _effects(row: Row) -> tuple[int, ...]:
    read = written = 0
    parts = []
    if "stack" in row.attributes:
        read, written = 1 << 4, 1 << 4
    if "leave" in row.attributes:
        written |= 1 << 4
    for op in row.operands:
        if op.code in _GROUPS:
            written |= _GROUPS[op.code]
        if op.access == "&" or op.code in _GROUPS:
            continue
        found = _effect_operand(op)
        if found is None:
            continue
        place, width = found
        reads = op.access in ("", "+", "?")
        writes = op.access in ("=", "+", "?")
        if place < 16 and width == _FULL:
            read |= reads << place
            written |= writes << place
        else:
            parts.append(place | reads << 5 | writes << 6 | width << 7)
    if len(parts) > 4:
        # Only pusha and popa: their registers in full, which differs in no way that matters there.
        for part in parts:
            read |= (part >> 5 & 1 | part >> 6 & 1) << (part & 15)
            written |= (part >> 6 & 1) << (part & 15)
        parts = []
    parts += [0] * (4 - len(parts))
    return (
        _flag_mask(row.flags_read),
        _flag_mask(row.flags_written),
        _flag_mask(row.flags_undefined),
        read,
        written,
        *parts,
    )


def _allowed(row: Row, field: str, mode: int) -> Sequence[int] | None:
    if field == "prefix":
        return None if row.prefix is None else (row.prefix,)
    if field == "register":
        return None if row.memory is None else (int(not row.memory),)
    if field == "reg":
        return row.reg
    if field == "rm":
        return row.rm
    if field == "w":
        if row.w is None or (mode == 1 and "wig32" in row.attributes):
            return None
        return (row.w,)
    if field == "length":
        return row.lengths
    return None if row.b is None else (row.b,)


class _Nodes:
    """The shared decision nodes of all maps."""

    def __init__(self) -> None:
        self.words: list[int] = []
        self._known: dict[tuple[int, ...], int] = {}

    def build(self, candidates: Sequence[tuple[int, Row]], mode: int, fields: Sequence[str]) -> int:
        """The entry (row number, 0, or node offset with the top bit) that decides candidates."""
        if not candidates:
            return 0
        asked = [
            field
            for field in fields
            if any(_allowed(row, field, mode) is not None for _, row in candidates)
        ]
        if not asked:
            return candidates[0][0]
        field, *others = asked
        shift, width = _FIELDS[field]
        children = []
        for value in range(1 << width):
            left = []
            for number, row in candidates:
                allowed = _allowed(row, field, mode)
                if allowed is None or value in allowed:
                    left.append((number, row))
            children.append(self.build(left, mode, others))
        if len(set(children)) == 1:
            return children[0]
        key = (shift | ((1 << width) - 1) << 8, *children)
        if key not in self._known:
            self._known[key] = len(self.words)
            self.words.extend(key)
        return self._known[key] | _NODE


def _entries(nodes: _Nodes) -> list[list[list[int]]]:
    """Entry by mode, map and opcode."""
    by_opcode: dict[tuple[int, int], list[tuple[int, Row]]] = {}
    for index, (number, row) in enumerate(rows(), start=1):
        by_opcode.setdefault((number, row.opcode), []).append((index, row))
    result = []
    for mode, refused in ((0, "no64"), (1, "only64")):
        result.append(
            [
                [
                    nodes.build(
                        [
                            pair
                            for pair in by_opcode.get((number, opcode), [])
                            if refused not in pair[1].attributes
                        ],
                        mode,
                        _ORDER,
                    )
                    for opcode in range(256)
                ]
                for number in range(len(MAPS))
            ]
        )
    return result


def _brief_leaves(
    nodes: _Nodes, entry: int, prefix: int, form: int | None = None, reg: int | None = None
) -> Iterable[tuple[int | None, int | None, int]]:
    """Form (0 memory, 1 register), reg and row number of each leaf below an entry; None: any."""
    if not entry & _NODE:
        yield form, reg, entry
        return
    at = entry & ~_NODE
    shift, mask = nodes.words[at] & 0xFF, nodes.words[at] >> 8
    for value in range(mask + 1):
        child = nodes.words[at + 1 + value]
        if shift == _FIELDS["prefix"][0]:
            if value == prefix:
                yield from _brief_leaves(nodes, child, prefix, form, reg)
        elif shift == _FIELDS["register"][0]:
            yield from _brief_leaves(nodes, child, prefix, value, reg)
        elif shift == _FIELDS["reg"][0]:
            yield from _brief_leaves(nodes, child, prefix, form, value)
        elif shift != _FIELDS["length"][0] or value == 0:
            yield from _brief_leaves(nodes, child, prefix, form, reg)


def _brief_facts(number: int) -> tuple[int, int, int] | None:
    """ModRM, immediate and fusibility of a row that a brief look may take, or None."""
    if number == 0:
        return None
    which, row = rows()[number - 1]
    flags = _row_flags(row)
    immediate = _BRIEF_IMMEDIATES.get(_immediate(row))
    if (
        immediate is None
        or any(name in row.attributes for name in _CLASSES)
        or _check(row, which) != "NONE"
        or flags & (_VSIB | 1 << ROW_FLAGS["ANY_MOD"])
    ):
        return None
    return flags & _MODRM, immediate, int("fuse" in row.attributes)


def _brief(nodes: _Nodes, entry: int, prefix: int) -> int:
    """What decode_brief.c goes by for one opcode and mandatory prefix: 0 where it may not.

    With ModRM: bit 8 * form + reg says that this one may be taken, bit 16 + reg that it may fuse.
    """
    found: dict[tuple[int, int], set[tuple[int, int, int] | None]] = {}
    for form, reg, number in _brief_leaves(nodes, entry, prefix):
        for each_form in (0, 1) if form is None else (form,):
            for each_reg in range(8) if reg is None else (reg,):
                found.setdefault((each_form, each_reg), set()).add(_brief_facts(number))
    sure = {key: facts.pop() for key, facts in found.items() if len(facts) == 1}
    taken = {key: facts for key, facts in sure.items() if facts is not None}
    if not taken:
        return 0
    shapes = Counter(facts[:2] for facts in taken.values())
    (modrm, immediate), count = shapes.most_common(1)[0]
    if not modrm and count < 16:
        return 0
    value = immediate << 25 | (modrm and 1 << 24)
    for (form, reg), facts in taken.items():
        if facts[:2] == (modrm, immediate):
            value |= 1 << (8 * form + reg) | facts[2] << (16 + reg)
    return value


def _brief_table(nodes: _Nodes, entries: Sequence[Sequence[Sequence[int]]]) -> list[list[int]]:
    """Rows for the one-byte and the 0F map, by mandatory prefix; 64-bit mode."""
    return [
        [_brief(nodes, entry, prefix) for entry in entries[0][number]]
        for number in (0, 1)
        for prefix in range(4)
    ]


def _lines(values: Sequence[int], show: Callable[[int], str], each: int) -> str:
    return "\n".join(
        "    " + " ".join(f"{show(value)}," for value in values[at : at + each])
        for at in range(0, len(values), each)
    )


def _render() -> tuple[str, str]:
    """The texts of decode_tables.h (types, constants, declarations) and decode_data.h."""
    effects: dict[tuple[int, ...], int] = {(0,) * 9: 0}
    row_lines = ["    {0, 0, DBT_CLASS_INVALID, 0, 0, 0, 0, 0},"]
    for number, row in rows():
        effect = effects.setdefault(_effects(row), len(effects))
        kind = next((_CLASSES[name] for name in _CLASSES if name in row.attributes), "IDENT")
        row_lines.append(
            f"    {{0x{_row_flags(row):x}, {effect}, DBT_CLASS_{kind}, {_immediate(row)},"
            f" {_size_kind(row)}, 0x{_tuple(row):x}, DBT_CHECK_{_check(row, number)}, 0}},"
            f" /* {MAPS[number][0]} {row.opcode:02x} {row.mnemonic} */"
        )
    nodes = _Nodes()
    entries = _entries(nodes)
    if len(nodes.words) >= _NODE or len(rows()) >= _NODE:
        raise ValueError("opcode table: too many nodes for 15-bit offsets")
    declarations = {
        "rows": f"const dbt_decode_row dbt_decode_rows[{len(row_lines)}]",
        "effects": f"const dbt_decode_effect dbt_decode_effects[{len(effects)}]",
        "nodes": f"const u16 dbt_decode_nodes[{len(nodes.words)}]",
        "entries": f"const u16 dbt_decode_entries[2][{len(MAPS)}][256]",
        "brief": "const u32 dbt_decode_brief[8][256]",
    }
    effect_lines = [
        f"    {{0x{e[0]:x}, 0x{e[1]:x}, 0x{e[2]:x}, 0x{e[3]:x}, 0x{e[4]:x},"
        f" {{0x{e[5]:x}, 0x{e[6]:x}, 0x{e[7]:x}, 0x{e[8]:x}}}}},"
        for e in effects
    ]
    entry_lines = []
    for mode in entries:
        entry_lines.append("    {")
        for (name, _), table in zip(MAPS, mode, strict=True):
            entry_lines += [f"    {{ /* {name} */", _lines(table, hex, 14), "    },"]
        entry_lines.append("    },")
    brief_lines = []
    for table in _brief_table(nodes, entries):
        brief_lines += ["    {", _lines(table, hex, 8), "    },"]
    data = [_NOTICE, ""]
    for name, lines in (
        ("rows", row_lines),
        ("effects", effect_lines),
        ("nodes", [_lines(nodes.words, hex, 14)]),
        ("entries", entry_lines),
        ("brief", brief_lines),
    ):
        data += [f"{declarations[name]} = {{", *lines, "};", ""]
    return _header(declarations.values()), "\n".join(data)


def _header(declarations: Iterable[str]) -> str:
    parts = [
        _NOTICE,
        "#ifndef DBT_GENERATED_DECODE_TABLES_H",
        "#define DBT_GENERATED_DECODE_TABLES_H",
        "",
        '#include "core/decode.h"',
        "",
    ]
    parts += [f"#define DBT_ROW_{name} (1u << {bit})" for name, bit in ROW_FLAGS.items()]
    parts += [f"#define DBT_CHECK_{name} {at}" for at, name in enumerate(CHECKS)]
    parts += [f"#define DBT_SIZE_{name.upper()} {at}" for at, name in enumerate(_SIZES)]
    parts += [f"#define DBT_SELECT_{name.upper()} {shift}" for name, (shift, _) in _FIELDS.items()]
    parts += ["", _TYPES, *(f"extern {text};" for text in declarations), "", "#endif", ""]
    return "\n".join(parts)


def render(output: Path) -> None:
    """Writes decode_tables.h and decode_data.h, each only when its content changed.

    Args:
        output: the directory of generated headers; made if it is missing.
    """
    output.mkdir(parents=True, exist_ok=True)
    for name, content in zip(("decode_tables.h", "decode_data.h"), _render(), strict=True):
        target = output / name
        if not target.exists() or target.read_text() != content:
            target.write_text(content)


if __name__ == "__main__":
    render(Path(sys.argv[1]))
