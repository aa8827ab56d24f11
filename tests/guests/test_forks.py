"""What forked children had to translate, later ones find translated."""

from __future__ import annotations

from tests.guests.build import build
from tests.guests.execute import run, run_native


def test_a_parent_learns_from_its_children() -> None:
    """The last three children of the guest do the same work, which their parent never does."""
    program = [str(build("fork_again", "fork_again.c", "pie"))]
    outcome = run(program)
    assert outcome.stdout == run_native(program).stdout
    parent, *children = (process.statistics for process in outcome.processes)
    first, second, third = children[-3:]
    assert first.units_translated > 100
    assert second.units_translated < first.units_translated / 10
    assert third.units_translated < first.units_translated / 10
    assert third.exits_continuation < first.exits_continuation / 2
    assert parent.evictions == 0
    assert all(child.tc_bytes_used > 0 for child in children)


def test_counts_of_all_processes_are_kept() -> None:
    """A session has fewer slabs than this guest has children, each with nine system calls."""
    outcome = run([str(build("children_many", "children_many.c", "static"))])
    assert outcome.status == 0
    assert sum(process.statistics.exits_syscall for process in outcome.processes) > 1200 * 9 + 4200
    # A slab that a vforked child goes on in tells nothing of the arenas of before; it has none.
    assert sum(1 for process in outcome.processes if process.arenas) < 200


def test_a_parent_is_not_charged_for_its_children() -> None:
    """Each process has its own thread among the charges, and no other."""
    outcome = run([str(build("fork_again", "fork_again.c", "pie"))])
    assert len(outcome.processes) > 3
    for process in outcome.processes:
        assert [thread.tid for thread in process.threads] == [process.pid]


def test_a_tiny_cache_evicts_nothing_for_hints() -> None:
    """Hints are followed only while half of the cache is free."""
    program = [str(build("fork_again", "fork_again.c", "pie"))]
    outcome = run(program, mode="tiny")
    assert outcome.stdout == run_native(program).stdout


def test_chains_that_end_early_take_no_hints() -> None:
    """Without chaining, and so when chains are bisected, no unit depends on when children ran."""
    program = [str(build("fork_again", "fork_again.c", "pie"))]
    children = [process.statistics for process in run(program, mode="nochain").processes][-3:]
    assert len({child.units_translated for child in children}) == 1
    assert children[0].units_translated > 100
