"""Golden listings: every rule and template, to exact host bytes and states."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path

import pytest

from dbt.translator.rules import RULES, Rule
from dbt.translator.templates import TEMPLATES
from tests.translate import golden

FILES = sorted((Path(__file__).parent / "golden").glob("*.golden"))


@cache
def outcomes(path: Path) -> list[golden.Outcome]:
    return [golden.run(case) for case in golden.read(path)[1]]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_emitted_code_is_as_expected(path: Path, update_golden: bool) -> None:
    head, cases = golden.read(path)
    assert cases
    if update_golden:
        for case, outcome in zip(cases, outcomes(path), strict=True):
            case.expected = outcome.text
        golden.write(path, head, cases)
        return
    for case, outcome in zip(cases, outcomes(path), strict=True):
        difference = "\n".join(
            difflib.unified_diff(case.expected, outcome.text, "expected", "emitted", lineterm="")
        )
        assert not difference, f"{path.name}: {case.title}\n{difference}"


def test_every_template_is_shown() -> None:
    shown = {template for path in FILES for o in outcomes(path) for template in o.templates}
    assert {template.name for template in TEMPLATES} - shown == set()


def no_instruction_has(rule: Rule) -> str:
    """Why no instruction takes a row, or '' when one can."""
    facts = set(rule.require)
    rip = "RIP_RELATIVE" in facts
    if rule.class_ == "IDENT" and rip:
        return "IDENT with a RIP-relative operand is PCREL"
    if rule.class_ == "PCREL" and not rip and facts != {"GS", "GS_OPAQUE"}:
        return "PCREL always has a RIP-relative operand"
    if rule.class_ == "PCREL" and "RIP_RELATIVE" in rule.exclude:
        return "PCREL always has a RIP-relative operand"
    if rule.class_ != "IDENT" and "GS_STACK" in facts:
        return "only pop has such an operand"
    if rule.class_ == "TRAP" and "GS" in facts:
        return "no trap accesses memory"
    if rule.class_ == "IDENT" and facts == {"GS", "GS_OPAQUE"} and not rule.exclude:
        return "what is left after gs_swapped is RIP-relative, so PCREL"
    return ""


def test_every_rule_is_shown_or_has_a_reason() -> None:
    items = [item for path in FILES for outcome in outcomes(path) for item in outcome.items]
    taken = {id(golden.rule_of(item)) for item in items}
    missing = [rule for rule in RULES if id(rule) not in taken and not no_instruction_has(rule)]
    assert missing == []
    wrong = [rule for rule in RULES if id(rule) in taken and no_instruction_has(rule)]
    assert wrong == []


def test_the_engine_selects_rules_as_the_table_says() -> None:
    """Where registers do not suffice, and only there, an instruction is refused instead."""
    for path in FILES:
        for case, outcome in zip(golden.read(path)[1], outcomes(path), strict=True):
            for item in outcome.items:
                wanted = golden.rule_of(item).template
                if item.template != wanted:
                    assert item.template == "unsupported", case.title
                    assert "registers are left" in case.title or "register is left" in case.title
