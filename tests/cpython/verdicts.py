"""Reads what `python3.11 -m test -v --junit-xml` tells: a verdict for each test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

# `FAIL: test_x (test.test_y.Class.test_x) (case=3)`: a failing subtest is in no XML.
_FAILED = re.compile(r"^(?:FAIL|ERROR): .*?\(([\w.]+)\)", re.MULTILINE)
_ENDED = re.compile(
    r"^\w+ \(([\w.]+)\)(?:\n.*)? \.\.\. (ok|FAIL|ERROR|skipped|expected failure)", re.MULTILINE
)
_WORDS = {"ok": "passed", "expected failure": "passed", "skipped": "skipped"}


def read(xml: str, output: str) -> dict[str, str]:
    """Verdicts by test id.

    Args:
        xml: what the suite wrote to its report file; empty when it did not live to write it.
        output: what it printed; all there is when `xml` is empty.

    Returns:
        Ids as `module.Class.test`; of several verdicts on one id, the worst.
    """
    verdicts: dict[str, str] = {}
    if xml:
        for case in ElementTree.fromstring(xml).iter("testcase"):
            if name := case.get("name"):
                _add(verdicts, name, _of_case(case))
    else:
        for name, word in _ENDED.findall(output):
            _add(verdicts, name, _WORDS.get(word, "failed"))
    for name in _FAILED.findall(output):
        _add(verdicts, name, "failed")
    return verdicts


def _of_case(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("outcome") is not None:  # an unexpected success
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def _add(verdicts: dict[str, str], name: str, verdict: str) -> None:
    order = ("failed", "passed", "skipped")
    verdicts[name] = min(verdict, verdicts.get(name, verdict), key=order.index)


def differing(native: Mapping[str, str], translated: Mapping[str, str]) -> list[str]:
    """Ids on which two runs do not agree, sorted; what a run has not got counts as "missing"."""
    return sorted(
        name
        for name in native.keys() | translated.keys()
        if native.get(name, "missing") != translated.get(name, "missing")
    )


def reasons(xml: str, output: str, name: str) -> str:
    """The last lines that a run has to say about a test that failed."""
    if xml:
        for case in ElementTree.fromstring(xml).iter("testcase"):
            if case.get("name") == name:
                for kind in ("failure", "error", "skipped"):
                    found = case.find(kind)
                    if found is not None:
                        return _tail(found.text or "")
    at = output.find(f"({name})", max(output.find("======"), 0))
    return _tail(output[at : at + 3000].split("\n======")[0]) if at >= 0 else ""


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-4:])
