"""The live view: a screen for a terminal that shows a session while it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import ContentSwitcher, DataTable, Footer, Header, Sparkline, Static

from dbt.errors import DbtError
from dbt.profiler.live import HotUnit, Look, ProcessArena, Watch
from dbt.translator.listing import of_bytes

INTERVAL_S = 0.5
_HISTORY = 120
_TITLE_MOST = 32
# On narrower screens than this, tables give up what can be cut.
_WIDE_COLUMNS = 100
_ARENAS_MOST = 500
_ARENA_COLUMNS = (
    *(("process", 8), ("name", 11), ("in use", 11), ("reserved", 11), ("chunks", 6)),
    *(("units", 8), ("guest code", 32), ("address", 14)),
)
_PLACE_NAMES = {
    "tc": "translated code",
    "lookup": "between units",
    "translate": "translating",
    "vmm": "VMM",
    "kernel": "system calls",
}


class Screen(App[None]):
    """The view of one session.

    Args:
        watch: what to look at.
        title: the program, for the head line.
        has_ended: whether the program has ended, asked at each look; None asks the watch.
    """

    CSS = """
    #figures { height: auto; padding: 0 1; }
    #lines { height: 3; }
    .line { width: 1fr; height: 3; padding: 0 1; }
    #tables { height: 1fr; min-height: 7; } #below { height: 1fr; }
    #units { width: 1fr; overflow-x: hidden; } #units, #threads { scrollbar-size-vertical: 1; }
    #listing, #arenas { height: 1fr; }
    #listing { overflow-x: auto; } #code { width: auto; }
    Sparkline { height: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit the view"),
        Binding("p", "pause", "Pause"),
        Binding("a", "arenas", "Arenas or listing"),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self, watch: Watch, title: str, has_ended: Callable[[], bool] | None = None
    ) -> None:
        super().__init__()
        self.title = f"dbt: {title if len(title) <= _TITLE_MOST else title[:_TITLE_MOST] + '…'}"
        self._watch = watch
        self._has_ended = has_ended or (lambda: not watch.is_running)
        self._paused = False
        self._hits: list[float] = []
        self._used: list[float] = []
        self._look: Look | None = None
        self._units: tuple[HotUnit, ...] = ()
        self._unit_widths: tuple[int, ...] = ()
        self._thread_widths: tuple[int, ...] = ()
        self._shown: HotUnit | None = None

    def compose(self) -> ComposeResult:
        """Makes the parts of the screen."""
        yield Header(show_clock=True)
        yield Static(id="figures", markup=False)
        with Horizontal(id="lines"):
            with Vertical(classes="line"):
                yield Static("hit rate", markup=False)
                yield Sparkline([], id="hits")
            with Vertical(classes="line"):
                yield Static("cache in use", markup=False)
                yield Sparkline([], id="used")
        with Horizontal(id="tables"):
            yield DataTable(id="units", cursor_type="row", cell_padding=0)
            yield DataTable(id="threads", cursor_type="none")
        # Of what is not sampled there are no hot units to be listed.
        with ContentSwitcher(id="below", initial="listing" if self._watch.is_sampled else "arenas"):
            with VerticalScroll(id="listing"):
                yield Static(id="code", markup=False)
            yield DataTable(id="arenas", cursor_type="none")
        yield Footer()

    def on_mount(self) -> None:
        """Fills the heads of the tables and begins to look."""
        self._lay_out(self.size.width)
        arenas: DataTable[Text] = self.query_one("#arenas", DataTable)
        for label, width in _ARENA_COLUMNS:
            arenas.add_column(label, width=width)
        self.set_interval(INTERVAL_S, self.refresh_figures)
        self.refresh_figures()

    def on_resize(self, event: events.Resize) -> None:
        """Gives the tables the columns that a screen of the new size has room for."""
        self._lay_out(event.size.width)

    def _lay_out(self, width: int) -> None:
        is_wide = width >= _WIDE_COLUMNS
        self._thread_widths = (8, 15, 8) if is_wide else (7, 9, 7)
        threads: DataTable[Text] = self.query_one("#threads", DataTable)
        threads.clear(columns=True)
        for label, column in zip(("thread", "name", "samples"), self._thread_widths, strict=True):
            threads.add_column(label, width=column)
        threads_width = sum(column + 2 for column in self._thread_widths) + 1
        threads.styles.width = threads_width
        time, pc, module = 7, 14, 20 if is_wide else 12
        rest = width - threads_width - 1 - (time + pc + module + 3)
        self._unit_widths = (time, pc, max(rest, 8), module)
        units: DataTable[Text] = self.query_one("#units", DataTable)
        units.clear(columns=True)
        labels = ("time", "unit", "function", "module")
        for label, column in zip(labels, self._unit_widths, strict=True):
            units.add_column(label, width=column + 1)
        if self._look is not None:
            self._show_units(self._look)
            self._show_threads(self._look)

    def action_pause(self) -> None:
        """Stops or goes on with looking."""
        self._paused = not self._paused

    def action_arenas(self) -> None:
        """Shows the arenas in place of the listing, or the listing again."""
        below = self.query_one("#below", ContentSwitcher)
        below.current = "listing" if below.current == "arenas" else "arenas"

    def refresh_figures(self) -> None:
        """Looks once, and shows it."""
        if self._paused:
            self.sub_title = "paused"
            return
        self.sub_title = "the program has ended" if self._has_ended() else "running"
        look = self._look = self._watch.look()
        self.query_one("#figures", Static).update(figures_text(look, self._watch.room_bytes))
        if look.hit_share is not None:
            self._hits = [*self._hits, look.hit_share][-_HISTORY:]
        self._used = [*self._used, float(look.used_bytes)][-_HISTORY:]
        self.query_one("#hits", Sparkline).data = from_zero(self._hits)
        self.query_one("#used", Sparkline).data = from_zero(self._used)
        self._show_units(look)
        self._show_threads(look)
        self._show_arenas(look)

    def _show_units(self, look: Look) -> None:
        table: DataTable[Text] = self.query_one("#units", DataTable)
        row = table.cursor_row
        self._units = look.units
        table.clear()
        for unit in look.units:
            texts = (f"{unit.share:.2%}", f"{unit.pc:#x}", unit.function, unit.module)
            table.add_row(*map(cell, texts, self._unit_widths))
        if look.units:
            # The chosen unit stays chosen where it has moved to.
            places = [
                n for n, unit in enumerate(look.units) if self._shown and self._is_shown(unit)
            ]
            table.move_cursor(row=places[0] if places else min(row, len(look.units) - 1))

    def _is_shown(self, unit: HotUnit) -> bool:
        return self._shown is not None and (unit.pc, unit.code) == (
            self._shown.pc,
            self._shown.code,
        )

    def _show_threads(self, look: Look) -> None:
        table: DataTable[Text] = self.query_one("#threads", DataTable)
        table.clear()
        for thread in sorted(look.threads, key=lambda one: -one.samples):
            name = thread.name if thread.running else f"({thread.name})"
            texts = (str(thread.tid), name, f"{thread.samples:,}")
            table.add_row(*map(cell, texts, self._thread_widths))

    def _show_arenas(self, look: Look) -> None:
        table: DataTable[Text] = self.query_one("#arenas", DataTable)
        before = table.scroll_offset
        table.clear()
        for arena in look.arenas[:_ARENAS_MOST]:
            table.add_row(*map(Text, arena_cells(arena)))
        table.scroll_to(before.x, before.y, animate=False)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Shows the listing of the unit under the cursor."""
        if event.data_table.id != "units" or event.cursor_row >= len(self._units):
            return
        unit = self._units[event.cursor_row]
        if not self._is_shown(unit):
            self._shown = unit
            self.query_one("#code", Static).update(listing_text(unit))


def from_zero(values: Sequence[float]) -> list[float]:
    """A line's values with zeros for the looks before the first: the lower end of the line is 0."""
    # Always at least one: a line of equal values has no height of its own.
    return [0.0] * (_HISTORY + 1 - len(values)) + [*values]


def cell(text: str, width: int) -> Text:
    """A name for a table as it is, brackets too; where it is cut its last character says so."""
    shown = Text(text)
    shown.truncate(width, overflow="ellipsis")
    return shown


def figures_text(look: Look, room_bytes: int) -> str:
    """The lines of figures at the head of the view."""
    whole = sum(look.places.values())
    of = "unit entries" if look.counts_entries else "dispatches"
    hit = "-" if look.hit_share is None else f"{look.hit_share:.4%}"
    rates = ", ".join(
        f"{rate:,.0f} {name.replace('_', ' ')}" for name, rate in look.rates.items() if rate
    )
    time = ", ".join(
        f"{look.places[place] / whole:.0%} {name}"
        for place, name in _PLACE_NAMES.items()
        if whole and look.places[place]
    )
    return "\n".join(
        (
            f"hit rate    {hit} of {of} needed no translation; "
            f"{look.translations_rate:,.0f} translations/s",
            f"dispatches  {sum(look.rates.values()):,.0f}/s: {rates or 'none'}",
            f"occupancy   {look.used_bytes:,} bytes of {room_bytes:,} a process; "
            f"{look.evictions:,} evictions",
            f"arenas      {_arenas_text(look)}",
            f"time        {time or 'no samples'}",
        )
    )


def _arenas_text(look: Look) -> str:
    uses = [arena.use for arena in look.arenas if arena.running]
    return (
        f"{len(uses):,} with {sum(use.chunks_live for use in uses):,} chunks, "
        f"{sum(use.units for use in uses):,} units; "
        f"{sum(use.bytes_reserved for use in uses):,} bytes reserved"
    )


def arena_cells(arena: ProcessArena) -> tuple[str, ...]:
    """The row of an arena, a text for each of its table's columns."""
    use = arena.use
    return (
        str(arena.pid),
        arena.name if arena.running else f"({arena.name})",
        f"{use.bytes_used:,}",
        f"{use.bytes_reserved:,}",
        f"{use.chunks_live:,}",
        f"{use.units:,}",
        f"{use.guest_start:#x} to {use.guest_end:#x}",
        f"{use.host_start:#x}",
    )


def listing_text(unit: HotUnit) -> str:
    """Guest code, classes and emitted code of a unit, side by side."""
    try:
        return str(of_bytes(unit.code, unit.pc))
    except DbtError as error:
        return str(error)
