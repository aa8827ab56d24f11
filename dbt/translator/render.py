"""Renders templates and rules into ``translate_tables.h`` for the C engine.

Template bodies go through GNU ``as``: relocations name every hole exactly. The 3-bit fields that
hold a scratch register are found by assembling the body with two choices of register and comparing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from dbt.translator.rules import FACTS, RULES
from dbt.translator.template import Template
from dbt.translator.templates import TEMPLATES

REGISTERS = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi")
LOW = ("0", "128", "136")
WHERE = ("this", "next", "target", "key", "stack")
OP_KINDS = (
    "code",
    "guest",
    "guest_near",
    "guest_base",
    "load",
    "load_moved",
    "load_base",
    "add_base",
    "jcc",
    "short",
    "jump_next",
    "jump_taken",
    "exit_syscall",
    "exit_callout",
    "exit_unsupported",
    "reload",
    "reload_but_rcx",
    "call",
    "call_table",
    "island",
    "leave",
)
#: Ops that are a line of one word, and carried out by the engine.
_PLAIN_OPS = frozenset(
    {"jcc", "short", "reload", "reload_but_rcx", "call", "call_table", "island", "leave"}
)
HOLES = (
    "scratch",
    "next",
    "next_literal",
    "key",
    "returns",
    "jumps",
    "second",
    "exit",
    "pop",
    "operand",
    "target_literal",
    "miss_point",
    "counter",
    "site",
    "word",
    "minus_value",
    "minus_value_low",
)


_HEADING = (
    "/* Rendered by dbt/translator/render.py from the templates, routines and rules beside it. */\n"
    "#pragma once\n"
)


class RenderError(Exception):
    """A template that the renderer cannot express."""


@dataclass
class _Op:
    kind: str
    where: str
    low: int = 0
    argument: int = 0
    code: bytes = b""
    # Where it is, kind, argument, addend.
    holes: list[tuple[int, str, int, int]] = field(default_factory=list)


def context_slots(header: Path) -> dict[str, int]:
    """Reads slot offsets from core/context.h: name without prefix to offset in bytes."""
    pattern = re.compile(r"^#define DBT_CONTEXT_(\w+) (0x[0-9a-f]+)", re.MULTILINE)
    return {name: int(value, 16) for name, value in pattern.findall(header.read_text())}


def _register_argument(word: str) -> int:
    """s0 and s1 are scratch 0x80 and 0x81; a name is its number."""
    return 0x80 + int(word[1:]) if re.fullmatch(r"s\d", word) else REGISTERS.index(word)


def _parse(template: Template) -> list[tuple[_Op, str]]:
    """Splits a body into ops, each with its assembly text ('' for engine ops)."""
    ops: list[tuple[_Op, str]] = []
    where = "this"
    low = 0
    for line in template.body:
        if not line.startswith("."):
            ops.append((_Op("code", where, low), line))
            continue
        word, _, rest = line[1:].partition(" ")
        if word == "commit":
            where = rest
        elif word in ("low", "high"):
            low = LOW.index(rest) if rest else 0
        elif word == "guest":
            kind, _, register = rest.partition(" ")
            name = {"": "guest", "near": "guest_near", "base": "guest_base"}[kind]
            ops.append((_Op(name, where, low, _register_argument(register) if register else 0), ""))
        elif word in ("load", "load_moved"):
            ops.append((_Op(word, where, low), ""))
        elif word in ("load_base", "add_base"):
            ops.append((_Op(word, where, low, _register_argument(rest)), ""))
        elif word in ("jump", "exit"):
            ops.append((_Op(f"{word}_{rest}", where, low), ""))
        elif word in _PLAIN_OPS:
            ops.append((_Op(word, where, low), ""))
        else:
            raise RenderError(f"template {template.name}: unknown line {line!r}")
    return ops


def _substitute(text: str, registers: dict[str, str], slots: dict[str, int]) -> str:
    def slot(match: re.Match[str]) -> str:
        return f"gs:[{match[1] or ''}{slots[match[2]] + int(match[3] or 0)}]"

    text = re.sub(r"gs:\[((?:rcx|\{s0\}) \+ )?([A-Z_]+)(\+\d+)?\]", slot, text)
    for name, register in registers.items():
        low = register[1:]
        text = text.replace(f"{{{name}}}", register)
        text = text.replace(f"{{{name}d}}", f"e{low}").replace(f"{{{name}w}}", low)
    return text


def _assemble(source: str) -> tuple[bytes, dict[str, int], list[tuple[int, str, int]]]:
    """Runs GNU as; answers .text, its labels, and its relocations (offset, symbol, addend)."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "templates.o")
        assembler = os.environ.get("AS", "as")
        done = subprocess.run(
            [assembler, "--64", "-o", out, "-"],
            input=source,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RenderError(f"{assembler}: {done.stderr}")
        with open(out, "rb") as stream:
            elf = ELFFile(stream)
            text = elf.get_section_by_name(".text")
            assert text is not None
            code = bytes(text.data())
            symbols = elf.get_section_by_name(".symtab")
            assert isinstance(symbols, SymbolTableSection)
            index = elf.get_section_index(".text")
            labels = {
                s.name: int(s["st_value"]) for s in symbols.iter_symbols() if s["st_shndx"] == index
            }
            relocations = []
            section = elf.get_section_by_name(".rela.text")
            if isinstance(section, RelocationSection):
                for entry in section.iter_relocations():
                    symbol = symbols.get_symbol(entry["r_info_sym"])
                    relocations.append(
                        (int(entry["r_offset"]), symbol.name, int(entry["r_addend"]))
                    )
            return code, labels, relocations


def _source(
    parsed: list[list[tuple[_Op, str]]], registers: dict[str, str], slots: dict[str, int]
) -> str:
    lines = [".intel_syntax noprefix", ".text"]
    for t, ops in enumerate(parsed):
        for o, (_, text) in enumerate(ops):
            lines.append(f"dbt_{t}_{o}:")
            if text:
                lines.append(_substitute(text, registers, slots))
        lines.append(f"dbt_{t}_{len(ops)}:")
    return "\n".join(lines) + "\n"


def _scratch_holes(
    base: bytes, varied: bytes, name: str, scratch: int
) -> list[tuple[int, str, int, int]]:
    """Finds the 3-bit fields that changed when one scratch register went from rax to rdi."""
    holes = []
    if len(base) != len(varied):
        raise RenderError(f"template {name}: length depends on the scratch register")
    for at, (before, after) in enumerate(zip(base, varied, strict=True)):
        difference = before ^ after
        for shift in (0, 3):
            bits = (difference >> shift) & 7
            if bits == 7:
                holes.append((at, "scratch", scratch | shift << 4, 0))
            elif bits:
                raise RenderError(f"template {name}: register field of {scratch} not of 3 bits")
    return holes


def build_ops(slots: dict[str, int]) -> list[list[_Op]]:
    """Assembles all templates and answers their ops with code and holes filled in."""
    parsed = [_parse(template) for template in TEMPLATES]
    plain = {"s0": "rax", "s1": "rax"}
    code, labels, relocations = _assemble(_source(parsed, plain, slots))
    varied = [_assemble(_source(parsed, {**plain, f"s{k}": "rdi"}, slots))[0] for k in (0, 1)]
    for t, (template, ops) in enumerate(zip(TEMPLATES, parsed, strict=True)):
        for o, (op, _) in enumerate(ops):
            start, end = labels[f"dbt_{t}_{o}"], labels[f"dbt_{t}_{o + 1}"]
            op.code = code[start:end]
            for k in (0, 1):
                op.holes += _scratch_holes(op.code, varied[k][start:end], template.name, k)
            for at, symbol, addend in relocations:
                if start <= at < end:
                    kind = symbol.removeprefix("hole_")
                    if kind not in HOLES:
                        raise RenderError(f"template {template.name}: unknown hole {symbol}")
                    op.holes.append((at - start, kind, 0, addend))
    return [[op for op, _ in ops if op.code or op.kind != "code"] for ops in parsed]


def _mask(names: tuple[str, ...], all_names: tuple[str, ...]) -> int:
    return sum(1 << all_names.index(name) for name in names)


def _upper(names: tuple[str, ...], prefix: str, enum: str) -> list[str]:
    body = [f"    {prefix}{name.upper()} = {i}," for i, name in enumerate(names)]
    return [
        f"typedef enum {enum} {{",
        *body,
        f"    {prefix}COUNT = {len(names)}",
        f"}} {enum};",
        "",
    ]


def render_text(slots: dict[str, int]) -> str:
    """Answers the text of translate_tables.h."""
    blob = bytearray()
    op_rows: list[str] = []
    hole_rows: list[str] = []
    template_rows: list[str] = []
    for template, ops in zip(TEMPLATES, build_ops(slots), strict=True):
        flags = template.keeps_spilled | template.ends << 1 | template.costs_flags << 2
        spilled = _mask(template.entry_spilled, REGISTERS)
        fixed = _mask(template.fixed, REGISTERS)
        template_rows.append(
            f"    {{{len(op_rows)}, {len(ops)}, {template.scratch}, {fixed}, {spilled}, {flags}, "
            f"{WHERE.index(template.entry_where)}}}, /* {template.name} */"
        )
        for op in ops:
            op_rows.append(
                f"    {{{len(blob)}, {len(hole_rows)}, {len(op.code)}, {len(op.holes)}, "
                f"{OP_KINDS.index(op.kind)}, {WHERE.index(op.where) | op.low << 3}, "
                f"{op.argument}}},"
            )
            blob += op.code
            for at, kind, argument, addend in op.holes:
                hole_rows.append(f"    {{{addend}, {at}, {HOLES.index(kind)}, {argument}}},")
    names = tuple(template.name for template in TEMPLATES)
    facts = tuple(name for name, _ in FACTS)
    rule_rows: list[str] = []
    first: dict[str, int] = {}
    last_class = ""
    for rule in RULES:
        if (
            first.setdefault(rule.class_, len(rule_rows)) != len(rule_rows)
            and rule.class_ != last_class
        ):
            raise RenderError(f"the rules of class {rule.class_} do not stand together")
        last_class = rule.class_
        rule_rows.append(
            f"    {{DBT_CLASS_{rule.class_}, {names.index(rule.template)}, "
            f"0x{_mask(rule.require, facts):x}, 0x{_mask(rule.exclude, facts):x}}},"
        )
    lines = [_HEADING, '#include "generated/template_numbers.h"', ""]
    lines += ["static const dbt_template dbt_templates[] = {", *template_rows, "};", ""]
    lines += ["static const dbt_template_op dbt_template_ops[] = {", *op_rows, "};", ""]
    lines += ["static const dbt_template_hole dbt_template_holes[] = {", *hole_rows, "};", ""]
    lines += ["static const dbt_rule dbt_rules[] = {", *rule_rows, "};", ""]
    firsts = [f"    [DBT_CLASS_{class_}] = {row}," for class_, row in first.items()]
    lines += ["static const u8 dbt_first_rule[DBT_CLASS_COUNT] = {", *firsts, "};", ""]
    data = [
        ", ".join(f"0x{byte:02x}" for byte in blob[i : i + 16]) + ","
        for i in range(0, len(blob), 16)
    ]
    lines += ["static const u8 dbt_template_code[] = {", *(f"    {row}" for row in data), "};", ""]
    quoted = [f'    "{name}",' for name in names]
    lines += [
        f"static const char dbt_template_names[][{max(map(len, names)) + 1}] = {{",
        *quoted,
        "};",
        "",
    ]
    return "\n".join(lines)


def render_numbers() -> str:
    """Answers the text of template_numbers.h: the enumerations alone."""
    names = tuple(template.name for template in TEMPLATES)
    lines = [_HEADING]
    lines += _upper(names, "DBT_TEMPLATE_", "dbt_template_number")
    lines += _upper(OP_KINDS, "DBT_OP_", "dbt_op_kind")
    lines += _upper(HOLES, "DBT_HOLE_", "dbt_hole_kind")
    lines += _upper(WHERE, "DBT_WHERE_", "dbt_where")
    lines += [
        f"#define DBT_FACT_{name} 0x{1 << i:x}u /* {text} */"
        for i, (name, text) in enumerate(FACTS)
    ]
    return "\n".join(lines) + "\n"


def render(output: Path) -> None:
    """Writes translate_tables.h and template_numbers.h into output, only when changed."""
    header = Path(__file__).resolve().parents[2] / "csrc" / "core" / "context.h"
    files = {
        "translate_tables.h": render_text(context_slots(header)),
        "template_numbers.h": render_numbers(),
    }
    output.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = output / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


if __name__ == "__main__":
    render(Path(sys.argv[1]))
