"""The live view's layout, on screens of several sizes, with what a watch could have told."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from textual.widget import Widget

from dbt.profiler.live import HotThread, HotUnit, Look, Watch
from dbt.profiler.screen import Screen

REASONS = ("continuation", "indirect_miss", "syscall", "callout", "signal", "fault", "code_write")
NAMES = ("operator[]", "call[abi:cxx11]", "[/x]", "a_function_with_a_very_long_name_indeed_it_is")


class Steady:
    """A watch that always sees the same: every unit entry hits."""

    room_bytes = 1 << 28
    is_running = True
    is_sampled = True

    def look(self) -> Look:
        """What it sees."""
        units = (
            HotUnit(0x7FFFF7000000 + n, NAMES[n % 4], "libmodule.so", 0.01, 1, b"\x90")
            for n in range(40)
        )
        return Look(
            time_s=1,
            rates=dict.fromkeys(REASONS, 1234.0),
            translations_rate=0,
            hit_share=1.0,
            counts_entries=False,
            places=dict.fromkeys(("tc", "lookup", "translate", "vmm", "kernel"), 1),
            used_bytes=1 << 20,
            evictions=0,
            units=tuple(units),
            threads=(HotThread(4194303, 4194303, "[name]", True, 12345),),
            arenas=(),
        )


def rows_of(widget: Widget) -> list[str]:
    """What a widget shows."""
    return [widget.render_line(y).text for y in range(widget.size.height)]


def shown(width: int, height: int, *later: tuple[int, int]) -> dict[str, list[str]]:
    """What the parts of the view show on a screen of a size, and of other sizes later."""

    async def look() -> dict[str, list[str]]:
        screen = Screen(cast(Watch, Steady()), "program")
        async with screen.run_test(size=(width, height)) as pilot:
            for _ in range(3):
                screen.refresh_figures()
            await pilot.pause()
            for size in later:
                await pilot.resize_terminal(*size)
                await pilot.pause()
            names = ("#units", "#threads", "#hits", "#used", "#code")
            return {name: rows_of(screen.query_one(name)) for name in names}

    return asyncio.run(look())


@pytest.mark.parametrize(
    "sizes", [((80, 24),), ((120, 40), (80, 24)), ((80, 30),), ((120, 40),), ((80, 24), (200, 50))]
)
def test_hot_units_have_room(sizes: tuple[tuple[int, int], ...]) -> None:
    texts = shown(*sizes[0], *sizes[1:])
    head, *rows = texts["#units"]
    assert head.split() == ["time", "unit", "function", "module"]
    assert len([row for row in rows if "0x7ffff70000" in row]) >= (5 if sizes[-1][1] < 30 else 8)
    # Brackets in a name are its own.
    assert rows[0].split() == ["1.00%", "0x7ffff7000000", "operator[]", "libmodule.so"]
    assert rows[2].split() == ["1.00%", "0x7ffff7000002", "[/x]", "libmodule.so"]
    assert "4194303" in texts["#threads"][1] and "[name]" in texts["#threads"][1]
    assert "12,345" in texts["#threads"][1]
    assert any(line.strip() for line in texts["#code"])


def test_what_is_cut_says_so() -> None:
    row = shown(80, 24)["#units"][4]
    assert row.split()[2:] == ["a_function_w…", "libmodule.so"]


def test_a_steady_line_is_a_high_one() -> None:
    texts = shown(80, 24)
    for name in ("#hits", "#used"):
        assert all(line.endswith("█") for line in texts[name]), texts[name]
