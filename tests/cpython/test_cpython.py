"""Reading the suite's reports, judging differences, and CI's sample of the suite itself."""

from __future__ import annotations

import pytest

from tests.cpython import run as driver
from tests.cpython.modules import MODULES, Module
from tests.cpython.run import Difference, Run, compare, missing
from tests.cpython.verdicts import differing, read, reasons
from tests.guests.execute import mode_of_session

XML = (
    '<testsuites><testsuite tests="5">'
    '<testcase name="test.test_a.A.test_good" status="run" result="completed" time="0.1" />'
    '<testcase name="test.test_a.A.test_bad"><failure type="AssertionError">a\nb</failure>'
    "</testcase>"
    '<testcase name="test.test_a.A.test_not"><skipped>no such thing</skipped></testcase>'
    '<testcase name="test.test_a.A.test_wrong"><error type="OSError">x</error></testcase>'
    "<testcase /></testsuite></testsuites>"
)
OUTPUT = """\
test_good (test.test_a.A.test_good) ... ok
test_bad (test.test_a.A.test_bad) ... FAIL
test_told (test.test_a.A.test_told)
A line of its docstring. ... ok
test_not (test.test_a.A.test_not) ... skipped 'no such thing'
test_part (test.test_a.A.test_part) ...
======================================================================
FAIL: test_part (test.test_a.A.test_part) (number=3)
----------------------------------------------------------------------
AssertionError: 3
"""


def test_verdicts_from_the_report() -> None:
    assert read(XML, "") == {
        "test.test_a.A.test_good": "passed",
        "test.test_a.A.test_bad": "failed",
        "test.test_a.A.test_not": "skipped",
        "test.test_a.A.test_wrong": "failed",
    }
    assert reasons(XML, "", "test.test_a.A.test_bad") == "a\nb"


def test_verdicts_from_the_output_alone() -> None:
    assert read("", OUTPUT) == {
        "test.test_a.A.test_good": "passed",
        "test.test_a.A.test_bad": "failed",
        "test.test_a.A.test_told": "passed",
        "test.test_a.A.test_not": "skipped",
        "test.test_a.A.test_part": "failed",
    }


def test_a_failing_subtest_fails_its_test() -> None:
    assert read(XML, OUTPUT)["test.test_a.A.test_part"] == "failed"
    assert "AssertionError: 3" in reasons("", OUTPUT, "test.test_a.A.test_part")


def test_a_test_that_one_side_has_not_run_differs() -> None:
    assert differing({"a": "passed", "b": "passed"}, {"a": "passed"}) == ["b"]
    assert differing({"a": "passed"}, {"a": "skipped"}) == ["a"]


def test_unsteady_is_what_natively_varies_as_much() -> None:
    assert Difference("a", ["passed", "failed"], ["failed", "failed"]).unsteady
    assert not Difference("a", ["passed", "passed"], ["passed", "failed"]).unsteady
    assert not Difference("a", ["failed", "failed"], ["passed", "passed"]).unsteady


def test_a_run_that_dies_is_different(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_module(module: Module, mode: str | None, *_: object) -> Run:
        return Run({"a": "passed"}, "timed out" if mode else "", 1.0, "", "")

    monkeypatch.setattr(driver, "run_module", run_module)
    monkeypatch.setattr(driver, "_keep", lambda *_: None)
    row = compare(Module("test_x"), "default")
    assert [item.name for item in row.different] == ["the module"]


def test_names_are_unique() -> None:
    names = [module.name for module in MODULES]
    assert len(set(names)) == len(names)


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", [module for module in MODULES if module.sample], ids=lambda module: module.name
)
def test_sample(module: Module) -> None:
    if needed := missing():
        pytest.skip(needed)
    row = compare(module, mode_of_session())
    assert row.different == []
    assert row.tests > 0
