"""Golden listings: every rule and template, to exact host bytes and states."""

from __future__ import annotations

import difflib
import itertools
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


def can_be(class_: str, facts: set[str]) -> bool:
    """Whether an instruction of a class can have exactly these facts."""
    implied = {"GS_OPAQUE": "GS", "GS_STACK": "GS", "NEAR": "RIP_RELATIVE"}
    only_in = {
        "POPS": "RET",
        "SELECTOR_GS": "SEGMENT",
        "TOO_LONG": "INVALID",
        "GS_STACK": "IDENT",
        "COUNTER": "SENSITIVE",
    }
    never = [
        {"GS_STACK", "RIP_RELATIVE"},  # pop through the stack pointer
        {"GS_OPAQUE", "NEAR"},  # RIP-relative and opaque: a 32-bit address, which is never near
    ]
    rip = {"IDENT": False, "PCREL": True}.get(class_, "RIP_RELATIVE" in facts)
    return (
        all(other in facts for fact, other in implied.items() if fact in facts)
        and all(class_ == owner for fact, owner in only_in.items() if fact in facts)
        and not any(pair <= facts for pair in never)
        and rip == ("RIP_RELATIVE" in facts)
        and not (class_ == "TRAP" and "GS" in facts)  # no trap accesses memory
    )


def reachable_rules() -> list[Rule]:
    """The rows that some instruction takes: all combinations of facts, less the impossible ones."""
    names = sorted({fact for rule in RULES for fact in (*rule.require, *rule.exclude)})
    sets = [set(c) for n in range(len(names) + 1) for c in itertools.combinations(names, n)]
    taken = []
    for class_ in {rule.class_ for rule in RULES}:
        rows = [rule for rule in RULES if rule.class_ == class_]
        for facts in (facts for facts in sets if can_be(class_, facts)):
            fits = (r for r in rows if facts.issuperset(r.require) and facts.isdisjoint(r.exclude))
            taken.append(next(fits))
    return [rule for rule in RULES if any(rule is one for one in taken)]


def test_every_rule_that_an_instruction_takes_is_shown() -> None:
    items = [item for path in FILES for outcome in outcomes(path) for item in outcome.items]
    shown = {id(golden.rule_of(item)) for item in items}
    reachable = reachable_rules()
    assert [rule for rule in reachable if id(rule) not in shown] == []
    assert shown <= {id(rule) for rule in reachable}


def test_the_engine_selects_rules_as_the_table_says() -> None:
    """Where registers do not suffice, and only there, an instruction is refused instead."""
    for path in FILES:
        for case, outcome in zip(golden.read(path)[1], outcomes(path), strict=True):
            for item in outcome.items:
                wanted = golden.rule_of(item).template
                if item.template != wanted:
                    assert item.template == "unsupported", case.title
                    assert "registers are left" in case.title or "register is left" in case.title
