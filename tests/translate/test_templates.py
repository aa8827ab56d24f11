"""Rendered templates, taken apart again: each assembles to what its text says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dbt.decoder.instruction import REGISTER_NAMES, Instruction, iterate
from dbt.translator import render
from dbt.translator.host_text import context_slots
from dbt.translator.rules import FACTS, RULES
from dbt.translator.template import Template
from dbt.translator.templates import TEMPLATES

CONTEXT_HEADER = Path(render.__file__).resolve().parents[2] / "csrc" / "core" / "context.h"
SLOTS = render.context_slots(CONTEXT_HEADER)
OPS = dict(zip((t.name for t in TEMPLATES), render.build_ops(SLOTS), strict=True))
MNEMONICS = {"movabs": ("movabs", "mov"), "jecxz": ("jecxz",), "push": ("push",)}


def code_lines(template: Template) -> list[str]:
    """The lines that are assembled, without labels."""
    lines = [line for line in template.body if not line.startswith(".")]
    return [line for line in lines if not re.fullmatch(r"\d+:", line)]


def instructions(template: Template) -> list[Instruction]:
    ops = [op for op in OPS[template.name] if op.kind == "code"]
    return [i for op in ops for i in iterate(op.code, 0x1000)]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda t: t.name)
def test_a_template_decodes_to_its_text(template: Template) -> None:
    lines, decoded = code_lines(template), instructions(template)
    assert len(lines) == len(decoded), "an op is one host instruction"
    for line, instruction in zip(lines, decoded, strict=True):
        word = line.split()[0]
        assert instruction.text.split()[0] in MNEMONICS.get(word, (word,)), line


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda t: t.name)
def test_context_slots_are_absolute(template: Template) -> None:
    """A slot at a RIP-relative address would read somewhere else, silently."""
    for line, instruction in zip(code_lines(template), instructions(template), strict=True):
        slot = re.search(r"gs:\[(?:(\w+|\{s0\}) \+ )?(?:([A-Z_]+)(?:\+(\d+))?|hole_\w+)\]", line)
        assert ("GS" in instruction.prefixes) == bool(slot), line
        if slot:
            memory = instruction.memory
            assert memory is not None and not memory.rip_relative, line
            base = "rax" if slot[1] == "{s0}" else slot[1]  # the renderer's stand-in
            assert memory.base == (REGISTER_NAMES.index(base) if base else None), line
            assert memory.index is None, line
            slot_at = SLOTS[slot[2]] + int(slot[3] or 0) if slot[2] else 0
            assert memory.displacement == slot_at, line


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda t: t.name)
def test_only_declared_templates_touch_guest_flags(template: Template) -> None:
    touching = [
        instruction
        for instruction in instructions(template)
        if instruction.mnemonic != "ud2" and instruction.flags_written | instruction.flags_undefined
    ]
    assert bool(touching) == template.costs_flags, touching
    # Behind it stands the guest instruction that overwrites them: only there are they lost.
    assert touching in ([], instructions(template)[-1:])


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda t: t.name)
def test_only_declared_registers_are_written(template: Template) -> None:
    scratch = {"rax"} if template.scratch else set()  # the renderer's stand-in
    allowed = set(template.fixed) | scratch | {"rsp"}
    for instruction in instructions(template):
        assert instruction.registers_written <= allowed, instruction.text


def test_every_template_says_what_it_is() -> None:
    for template in TEMPLATES:
        assert template.guest and template.host and template.why, template.name


def test_every_template_is_used() -> None:
    """By a rule, or by the engine itself, which names it."""
    source = "".join(path.read_text() for path in CONTEXT_HEADER.parent.glob("*.c"))
    chosen = {rule.template for rule in RULES}
    for template in TEMPLATES:
        assert template.name in chosen or f"DBT_TEMPLATE_{template.name.upper()}" in source


def test_rules_name_templates_and_facts() -> None:
    names = {template.name for template in TEMPLATES}
    facts = {name for name, _ in FACTS}
    for rule in RULES:
        assert rule.template in names
        assert facts.issuperset((*rule.require, *rule.exclude))
    for class_ in {rule.class_ for rule in RULES}:
        last = [rule for rule in RULES if rule.class_ == class_][-1]
        assert last.require == last.exclude == (), "the last row of a class has no conditions"


def test_slots_agree_with_the_header() -> None:
    for offset, name in context_slots().items():
        slot, _, _ = name.removeprefix("ctx.").partition(".")
        assert SLOTS[slot.upper()] <= offset < SLOTS[slot.upper()] + 16 * 8


def test_the_rendered_tables_are_current(tmp_path: Path) -> None:
    render.render(tmp_path)
    generated = CONTEXT_HEADER.parents[1] / "generated"
    for path in tmp_path.iterdir():
        assert path.read_text() == (generated / path.name).read_text(), path.name
