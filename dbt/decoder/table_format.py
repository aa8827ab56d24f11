"""The notation of the opcode table, and its parser.

A table is text, one row a line, four columns divided by ``|``::

    OPCODE [CONDITIONS] | MNEMONIC | OPERANDS | ATTRIBUTES

OPCODE is two hex digits, a range ``B8-BF``, a group member ``80/4`` or ``F6/0-1`` (ModRM.reg), or
an exact ModRM byte ``01:D0`` or range ``D9:D8-DF``. CONDITIONS:

    NP 66 F3 F2   mandatory prefix (none, or the one named); absent: any; a list ``NP,66`` makes one
                  row for each
    W0 W1         REX.W, VEX.W or EVEX.W; absent: ignored
    L0 L01 L012   the vector lengths allowed (0: 128, 1: 256, 2: 512); absent: ignored
    B0 B1         REX.B
    rm0           ModRM.mod is 3 and ModRM.rm 0
    mem reg       ModRM.mod is not 3, is 3 (operands M, R, U, N, ... imply it)

The first row that matches wins. MNEMONIC may hold ``{cc}`` (expanded over an opcode range of 16
conditions, with the flags that each reads) or ``{ps}`` (ps, pd, ss, sd by mandatory prefix).

OPERANDS are separated by blanks; parentheses mark implicit ones. The first character is the access:
none read, ``=`` written, ``+`` read and written, ``?`` written or not, ``&`` only an address. Then:

    E M R         ModRM.rm: register or memory, memory only, general register only
    G Z B         general register in ModRM.reg, in the opcode's low bits, in vvvv
    I J O A       immediate, relative target, memory offset, far pointer
    V W U H L     vector: reg, rm, rm register only, vvvv, upper half of an immediate byte
    P Q N         MMX: reg, rm, rm register only
    KG KE KR KH   mask: reg, rm, rm register only, vvvv;  TG TR TH the same for tiles
    bG bE         bounds: reg, rm;  X x87 register or memory;  Cm Dm control and debug register
    Mx Ms         memory with a vector index; memory that needs a SIB byte

and the size: b 1 byte, w 2, d 4, q 8, v 2, 4 or 8 by operand size, z 2 or 4, y 4 or 8 by W, m 4 or
8 by mode, a by address size; Is is a sign-extended byte. Lower-case names are fixed registers (al,
ax, eax, rax; rAX follows the operand size; addr is rax and count rcx in the address size).

ATTRIBUTES: flags read ``<``, written ``>``, undefined or written for some operands only ``~``
(O S Z A P C D I T N, X for AC); the rest is listed at `ATTRIBUTES`, each with its meaning.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

CONDITION_NAMES: Final = (
    *("o", "no", "b", "nb", "z", "nz", "be", "a"),
    *("s", "ns", "p", "np", "l", "ge", "le", "g"),
)
CONDITION_FLAGS: Final = (
    *("O", "O", "C", "C", "Z", "Z", "CZ", "CZ"),
    *("S", "S", "P", "P", "SO", "SO", "ZSO", "ZSO"),
)
PREFIX_INDEX: Final = {"NP": 0, "66": 1, "F3": 2, "F2": 3}
_PS: Final = {"NP": "ps", "66": "pd", "F3": "ss", "F2": "sd"}

ATTRIBUTES: Final[dict[str, str]] = {
    "lock": "LOCK is allowed where the first operand is memory",
    "no64": "#UD in 64-bit mode",
    "only64": "#UD outside 64-bit mode",
    "wig32": "W is ignored outside 64-bit mode",
    "b": "operand size 1",
    "v": "operand size 2, 4 or 8",
    "z": "operand size 2 or 4",
    "d64": "operand size 8 by default in 64-bit mode",
    "f64": "operand size 8 always in 64-bit mode",
    "no66": "an additional 66 raises #UD",
    "anymod": "ModRM.mod is ignored: always registers",
    "rep": "repeated by F2 or F3, counting in rcx",
    "string": "implicit rsi and rdi",
    "implicit": "memory at another implicit address",
    "stack": "moves rsp by its operand size",
    "leave": "rsp is written before it is used",
    "memw": "writes implicit memory",
    "fuse": "may fuse with a following jcc",
    "count": "a count of 0 leaves the flags alone",
    "bitmem": "a register bit offset reaches beyond the operand",
    "rtm": "ends or aborts a transaction",
    "input": "its result is no function of the guest state: time, chance, the processor",
    "saves": "stores processor state that names addresses of code: x87 pointers",
    "k": "EVEX: a mask may be given",
    "kk": "EVEX: a mask must be given",
    "z_": "EVEX: zeroing is allowed (written z in EVEX rows)",
    "er": "EVEX: rounding control",
    "sae": "EVEX: suppress all exceptions",
    "igner": "EVEX: rounding control is accepted and ignored",
    "distinct": "destination, index and mask (or the three tiles) must differ",
    "destonly": "the destination must differ from the sources",
    "bc2": "EVEX: broadcast of a 2-byte element",
    "bc4": "EVEX: broadcast of a 4-byte element",
    "bc8": "EVEX: broadcast of an 8-byte element",
    "vl": "EVEX disp8 scale: the vector length; vl/2 vl/4 vl/8: parts of it",
    "n1": "EVEX disp8 scale in bytes: n1 n2 n4 n8 n16 n32 n64; ny: 4 or 8 by W",
    "dup": "EVEX disp8 scale 8, 32, 64 by vector length",
    "jcc": "class",
    "loop": "class",
    "jmp": "class",
    "call": "class",
    "ret": "class",
    "ijmp": "class",
    "icall": "class",
    "far": "class",
    "syscall": "class",
    "sysenter": "class",
    "trap": "class",
    "cpuid": "class",
    "gsbase": "class",
    "segment": "class",
    "popf": "class",
    "xbegin": "class",
    "priv": "class",
    "sens": "class",
}
_TUPLES: Final = {"vl/2", "vl/4", "vl/8", "n2", "n4", "n8", "n16", "n32", "n64", "ny"}
_MEMORY_ONLY: Final = re.compile(r"M")
_REGISTER_ONLY: Final = re.compile(r"R|U$|N$|KR$|TR$")
_OPERAND: Final = re.compile(r"(\()?([=+?&]?)([A-Za-z][A-Za-z0-9]*)(\))?$")


@dataclass(frozen=True)
class Operand:
    """One operand of a row: access is one of "", "=", "+", "?", "&"; code as in the grammar."""

    access: str
    code: str
    implicit: bool


@dataclass(frozen=True)
class Row:
    """One row of the opcode table, every shorthand expanded.

    ``reg``, ``rm``, ``prefixes`` and ``lengths`` are the allowed values, None where any is allowed;
    ``memory`` is True or False where ModRM.mod must not or must be 3.
    """

    opcode: int
    mnemonic: str
    operands: tuple[Operand, ...]
    attributes: frozenset[str]
    prefix: int | None = None
    w: int | None = None
    b: int | None = None
    lengths: tuple[int, ...] | None = None
    reg: tuple[int, ...] | None = None
    rm: tuple[int, ...] | None = None
    memory: bool | None = None
    flags_read: str = ""
    flags_written: str = ""
    flags_undefined: str = ""


def _span(text: str) -> tuple[int, ...]:
    first, _, last = text.partition("-")
    return tuple(range(int(first, 16), int(last or first, 16) + 1))


def _operands(text: str) -> tuple[Operand, ...]:
    result = []
    for word in text.split():
        match = _OPERAND.match(word)
        if match is None:
            raise ValueError(f"operand {word!r}")
        result.append(Operand(match[2], match[3], bool(match[1])))
    return tuple(result)


def _memory(operands: tuple[Operand, ...], stated: bool | None) -> bool | None:
    for operand in operands:
        if _MEMORY_ONLY.match(operand.code):
            return True
        if _REGISTER_ONLY.match(operand.code):
            return False
    return stated


def parse(text: str) -> Iterator[Row]:
    """Expands a table's text into rows, in order.

    Args:
        text: rows in the notation of this module.

    Returns:
        The rows, one for each opcode byte, mandatory prefix and form.

    Raises:
        ValueError: a line that the grammar does not cover; the message quotes it.
    """
    forms: dict[str, list[str]] = {}
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            name, _, body = line.partition("=")
            forms[name.strip()] = body.split("/")
            continue
        try:
            yield from _expand(line, forms)
        except (ValueError, KeyError, IndexError) as error:
            raise ValueError(f"opcode table: {line!r}: {error}") from error


def _expand(line: str, forms: dict[str, list[str]]) -> Iterator[Row]:
    head, mnemonic, operand_text, attribute_text = (part.strip() for part in line.split("|"))
    where, *conditions = head.split()
    reg: tuple[int, ...] | None = None
    exact: tuple[int, ...] | None = None
    if "/" in where:
        where, _, digits = where.partition("/")
        reg = _span(digits)
    elif ":" in where:
        where, _, digits = where.partition(":")
        exact = _span(digits)
    opcodes = _span(where)
    prefixes: list[str | None] = [None]
    facts: dict[str, int | tuple[int, ...] | None] = {}
    memory: bool | None = None
    low: tuple[int, ...] | None = None
    for word in conditions:
        if word.split(",")[0] in PREFIX_INDEX:
            prefixes = list(word.split(","))
        elif word in ("W0", "W1", "B0", "B1"):
            facts[word[0].lower()] = int(word[1])
        elif re.fullmatch(r"L[012]+", word):
            facts["lengths"] = tuple(int(digit) for digit in word[1:])
        elif word in ("mem", "reg"):
            memory = word == "mem"
        elif word == "rm0":
            memory, low = False, (0,)
        else:
            raise ValueError(f"condition {word!r}")
    flags = {"<": "", ">": "", "~": ""}
    attributes = set()
    for word in attribute_text.split():
        if word[0] in flags:
            flags[word[0]] += word[1:]
        elif word in ATTRIBUTES or word in _TUPLES:
            attributes.add(word)
        else:
            raise ValueError(f"attribute {word!r}")
    for step, opcode in enumerate(opcodes):
        text = operand_text
        if text.startswith("@"):
            text = forms[text][step]
        operands = _operands(text)
        for prefix in prefixes:
            name = mnemonic
            read = flags["<"]
            if "{cc}" in name:
                name = name.replace("{cc}", CONDITION_NAMES[step])
                read = read.replace("{cc}", CONDITION_FLAGS[step])
            if prefix is not None:
                name = name.replace("{ps}", _PS[prefix])
            common = {
                "prefix": None if prefix is None else PREFIX_INDEX[prefix],
                "w": facts.get("w"),
                "b": facts.get("b"),
                "lengths": facts.get("lengths"),
            }
            stated = _memory(operands, memory if exact is None else False)
            if "anymod" in attributes:
                stated = None
            for byte in exact if exact is not None else (None,):
                yield Row(
                    opcode=opcode,
                    mnemonic=name,
                    operands=operands,
                    attributes=frozenset(attributes),
                    reg=reg if byte is None else (byte >> 3 & 7,),
                    rm=low if byte is None else (byte & 7,),
                    memory=stated,
                    flags_read=read,
                    flags_written=flags[">"],
                    flags_undefined=flags["~"],
                    **common,  # type: ignore[arg-type]
                )
