"""A profile as one HTML page: plots, tables, flame graph and listings, with nothing from outside.

Plots are SVG that is made here; the few lines of script only fold the flame graph. The page works
without a network and without script, folding apart.
"""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from dbt.errors import DbtError
from dbt.profiler.model import CoursePoint, Profile, Unit, encoded
from dbt.profiler.text import again, report
from dbt.translator.listing import of_bytes

_WIDTH, _HEIGHT, _MARGIN = 860, 180, 56
_FLAME_ROW, _FLAME_CHARACTER = 18, 6.6
_FLAME_LEAST = 0.001
_LISTED_UNITS = 20
_ROWS = 40
_BRANCH_TARGETS = 4
_COLORS = ("#4878a8", "#7eb26d", "#e8a33d", "#b65fa0", "#c44e52", "#8172b2", "#64b5cd")
_PLACES = (
    ("tc", "translated code"),
    ("lookup", "between units"),
    ("translate", "translating"),
    ("vmm", "VMM otherwise"),
    ("kernel", "system calls"),
)
_REASONS = ("continuation", "indirect_miss", "syscall", "callout", "signal", "fault", "code_write")

_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; color: #222;
       padding: 0 1rem; background: #fff }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse } td, th { padding: .1rem .7rem .1rem 0; text-align: left;
       vertical-align: top } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
pre, code, td.c { font: 12px/1.4 ui-monospace, monospace } pre { overflow-x: auto }
svg { display: block; max-width: 100%; height: auto } svg text { font: 11px sans-serif }
.legend span { margin-right: 1rem } .legend i { display: inline-block; width: .8em; height: .8em;
       margin-right: .3em }
details { margin: .3rem 0 } summary { cursor: pointer }
#flame g { cursor: pointer } #flame text { pointer-events: none; fill: #000 }
"""

_SCRIPT = """
(function () {
  var flame = document.getElementById('flame');
  if (!flame) return;
  var width = +flame.dataset.width;
  function show(from, size) {
    flame.querySelectorAll('g').forEach(function (g) {
      var x = (+g.dataset.x - from) / size * width, w = +g.dataset.w / size * width;
      var left = Math.max(x, 0), right = Math.min(x + w, width);
      g.style.display = right - left < 0.5 ? 'none' : '';
      var rect = g.querySelector('rect'), text = g.querySelector('text');
      rect.setAttribute('x', left); rect.setAttribute('width', Math.max(right - left - 0.5, 0.5));
      text.setAttribute('x', left + 3);
      var room = Math.floor((right - left) / CHARACTER), name = g.dataset.name;
      text.textContent = room < 3 ? '' : name.length > room ? name.slice(0, room - 1) + '…' : name;
    });
  }
  flame.querySelectorAll('g').forEach(function (g) {
    g.addEventListener('click', function () { show(+g.dataset.x, +g.dataset.w); });
  });
})();
""".replace("CHARACTER", str(_FLAME_CHARACTER))


def page(profile: Profile) -> str:
    """The page's text.

    Args:
        profile: to be shown.
    """
    title = escape(" ".join(profile.command))
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f"<title>dbt profile: {title}</title><style>{_STYLE}</style></head><body>",
        f"<h1>dbt profile: <code>{title}</code></h1>",
        *_head(profile),
        *_time_split(profile),
        *_course(profile),
        *_reasons(profile),
        *_arenas(profile),
        *_flame(profile),
        *_functions(profile),
        *_lines(profile),
        *_branches(profile),
        *_units(profile),
        "<h2>All figures as text</h2>",
        f"<details><summary>report</summary><pre>{escape(report(profile))}</pre></details>",
        f"<script>{_SCRIPT}</script></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _head(profile: Profile) -> Iterator[str]:
    f = profile.figures
    how = "every execution counted" if profile.exact else "sampled"
    yield (
        f"<p>{how}; {len(profile.processes)} processes; {profile.duration_s:.2f} s by the clock, "
        f"{profile.user_s:.2f} s user, {profile.system_s:.2f} s system; "
        + ("exit status " + str(profile.exit_status) if profile.signal is None else
           f"ended by signal {profile.signal}")
        + "</p>"
    )  # fmt: skip
    yield from (f"<p><b>Missing:</b> {escape(text)}</p>" for text in profile.missing)
    rows: list[tuple[str, str]] = []
    if f.guest_instructions_executed is not None:
        rows.append(("guest instructions executed", f"{f.guest_instructions_executed:,}"))
        rows.append(("unit entries", f"{f.tu_entries or 0:,}"))
    for label, value in (
        ("hit rate of the cache", f.tc_hit_rate),
        ("direct transfers by links", f.chained_share),
        ("indirect branches inside the cache", f.indirect_in_cache_share),
        ("indirect branches by the first probe", f.indirect_first_probe_share),
        ("indirect branches by the second level", f.indirect_collision_share),
        ("instructions as they were, executed", f.ident_share_executed),
        ("instructions as they were, translated", f.ident_share_translated),
    ):
        if value is not None:
            rows.append((label, f"{value:.4%}"))
    rows += [
        ("units translated", f"{f.units_translated:,}{again(f)}"),
        (
            "cache in use",
            f"{f.tc_bytes_used:,} bytes, {f.chunks_live:,} chunks of {f.arenas:,} arenas",
        ),
        ("evictions", f"{f.evictions:,}"),
        ("cycles spent on evictions", f"{f.eviction_cycles:,}"),
        ("units invalidated", f"{f.invalidations:,}"),
        ("by writes of the process", f"{f.invalidations_write:,}"),
        ("by its mappings", f"{f.invalidations_map:,}"),
    ]
    if f.self_check_pages:
        pages = f"{f.self_check_pages:,}, {f.self_check_pages_settled:,} settled"
        rows.append(("pages whose units check themselves", pages))
        rows.append(("changes that they found", f"{f.self_check_changes:,}"))
    if f.translation_cycles_per_instruction is not None:
        cycles = f"{f.translation_cycles_per_instruction:,.0f} cycles an instruction"
        rows.append(("translating costs", cycles))
    yield "<table>"
    yield from (f'<tr><td>{label}</td><td class="n">{value}</td></tr>' for label, value in rows)
    yield "</table>"


def _legend(labels: Iterable[str]) -> str:
    spans = "".join(
        f'<span><i style="background:{color}"></i>{escape(label)}</span>'
        for label, color in zip(labels, _COLORS, strict=False)
    )
    return f'<p class="legend">{spans}</p>'


def _bar(parts: Sequence[tuple[str, float]], name: str) -> Iterator[str]:
    """One bar of shares, with what they are."""
    whole = sum(value for _, value in parts) or 1
    yield f'<svg id="{name}" viewBox="0 0 {_WIDTH} 26" role="img">'
    x = 0.0
    for (label, value), color in zip(parts, _COLORS, strict=False):
        width = value / whole * _WIDTH
        yield (
            f'<rect x="{x:.2f}" y="0" width="{width:.2f}" height="24" fill="{color}">'
            f"<title>{escape(label)}: {value:,.0f} ({value / whole:.2%})</title></rect>"
        )
        x += width
    yield "</svg>"
    yield _legend(f"{label} {value / whole:.1%}" for label, value in parts)


def _time_split(profile: Profile) -> Iterator[str]:
    if not profile.figures.samples:
        return
    yield f"<h2>Where the time goes ({profile.figures.samples:,} samples)</h2>"
    totals = [
        (label, sum(getattr(thread, place) for p in profile.processes for thread in p.threads))
        for place, label in _PLACES
    ]
    yield from _bar(totals, "time-split")


def _reasons(profile: Profile) -> Iterator[str]:
    yield f"<h2>Dispatches to the VMM ({profile.figures.dispatches:,})</h2>"
    counts = [
        (reason.replace("_", " "), getattr(profile.figures, f"dispatches_{reason}"))
        for reason in _REASONS
    ]
    yield from _bar(counts, "dispatches")
    rates = profile.exact
    yield '<table id="dispatch-rates"><tr><th>reason</th><th></th><th class=n>dispatches</th>'
    yield "<th class=n>per thousand unit entries</th></tr>" if rates else "</tr>"
    for row in profile.dispatches[:_ROWS]:
        rate = f'<td class="n">{row.per_thousand_entries or 0:,.4f}</td>' if rates else ""
        yield (
            f"<tr><td>{row.reason.replace('_', ' ')}</td><td>{escape(row.name)}</td>"
            f'<td class="n">{row.dispatches:,}</td>{rate}</tr>'
        )
    yield "</table>"


def _arenas(profile: Profile) -> Iterator[str]:
    f = profile.figures
    yield f"<h2>Arenas of the translation cache ({f.arenas:,})</h2>"
    yield '<table id="arenas"><tr><th class=n>pid</th><th>program</th><th>address</th>'
    yield "<th class=n>bytes used</th><th class=n>reserved</th><th class=n>chunks</th>"
    yield "<th class=n>units</th><th>for guest code</th></tr>"
    for arena in profile.arenas[:_ROWS]:
        yield (
            f'<tr><td class="n">{arena.pid}</td><td>{escape(arena.path.rpartition("/")[2])}</td>'
            f'<td class="c">{arena.host_start:#x}</td><td class="n">{arena.bytes_used:,}</td>'
            f'<td class="n">{arena.bytes_reserved:,}</td><td class="n">{arena.chunks_live:,}</td>'
            f'<td class="n">{arena.units:,}</td>'
            f'<td class="c">{arena.guest_start:#x} to {arena.guest_end:#x}</td></tr>'
        )
    yield "</table>"


def _plot(
    name: str, points: Sequence[tuple[float, float]], top: float, label: str, bottom: float = 0.0
) -> Iterator[str]:
    """A line over time."""
    last = points[-1][0] or 1
    span = (top - bottom) or 1
    width, height = _WIDTH - 2 * _MARGIN, _HEIGHT - 40
    path = " ".join(
        f"{_MARGIN + t / last * width:.1f},{20 + height - (value - bottom) / span * height:.1f}"
        for t, value in points
    )
    yield f'<svg id="{name}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
    yield f'<text x="{_MARGIN}" y="12">{escape(label)}</text>'
    for share in (0.0, 0.5, 1.0):
        y = 20 + height - share * height
        yield f'<line x1="{_MARGIN}" x2="{_MARGIN + width}" y1="{y}" y2="{y}" stroke="#ddd"/>'
        value = bottom + share * span
        shown = f"{value:.1%}" if top <= 1 else f"{value:,.0f}"
        yield f'<text x="{_MARGIN - 4}" y="{y + 4}" text-anchor="end">{shown}</text>'
    for share in (0.0, 0.5, 1.0):
        x = _MARGIN + share * width
        yield f'<text x="{x}" y="{_HEIGHT - 4}" text-anchor="middle">{share * last:.2f} s</text>'
    yield f'<polyline points="{path}" fill="none" stroke="{_COLORS[0]}" stroke-width="1.5"/></svg>'


def _rates(course: Sequence[CoursePoint]) -> list[tuple[float, float]]:
    """The share of unit entries (or else of dispatches) that needed no translation, by time."""
    points = []
    before = (0, 0)
    for point in course:
        of = point.tu_entries if point.tu_entries is not None else point.dispatches
        if of > before[0]:
            misses = (point.translations - before[1]) / (of - before[0])
            points.append((point.time_s, max(0.0, 1 - misses)))
        before = (of, point.translations)
    return points


def _course(profile: Profile) -> Iterator[str]:
    course = profile.course
    yield "<h2>Over time</h2>"
    rates = _rates(course)
    if rates:
        what = "unit entries" if profile.exact else "dispatches to the VMM"
        label = f"hit rate: share of {what} that needed no translation"
        yield from _plot("hit-rate", rates, 1.0, label)
    used = [(point.time_s, float(point.tc_bytes_used)) for point in course]
    if used:
        top = max(max(value for _, value in used), 2.0)
        yield from _plot("occupancy", used, top, "translation cache in use, bytes")


@dataclass
class _Frame:
    samples: int = 0
    children: dict[str, _Frame] = field(default_factory=dict)


def _flame(profile: Profile) -> Iterator[str]:
    root = _Frame()
    for stack in profile.stacks:
        root.samples += stack.samples
        at = root
        for name in stack.frames:
            at = at.children.setdefault(name, _Frame())
            at.samples += stack.samples
    if not root.samples:
        return
    boxes = list(_boxes(root, 0.0, 0, root.samples))
    depth = 1 + max(level for _, _, _, level in boxes)
    height = depth * _FLAME_ROW
    yield "<h2>Flame graph</h2><p>Click a frame to look into it, the lowest one to see all.</p>"
    yield f'<svg id="flame" data-width="{_WIDTH}" viewBox="0 0 {_WIDTH} {height}">'
    for name, x, width, level in boxes:
        y = height - (level + 1) * _FLAME_ROW
        left, size = x * _WIDTH, width * _WIDTH
        room = int(size / _FLAME_CHARACTER)
        text = "" if room < 3 else name if len(name) <= room else name[: room - 1] + "…"
        yield (
            f'<g data-x="{x:.6f}" data-w="{width:.6f}" data-name="{escape(name)}">'
            f"<title>{escape(name)}: {width:.2%}</title>"
            f'<rect x="{left:.2f}" y="{y}" width="{max(size - 0.5, 0.5):.2f}" '
            f'height="{_FLAME_ROW - 1}" fill="{_color(name)}"/>'
            f'<text x="{left + 3:.2f}" y="{y + 13}">{escape(text)}</text></g>'
        )
    yield "</svg>"


def _boxes(
    frame: _Frame, x: float, level: int, whole: int
) -> Iterator[tuple[str, float, float, int]]:
    if level == 0:
        yield "all", 0.0, 1.0, 0
        level = 1
    for name, child in sorted(frame.children.items()):
        width = child.samples / whole
        if width >= _FLAME_LEAST:
            yield name, x, width, level
            yield from _boxes(child, x, level + 1, whole)
        x += width


def _color(name: str) -> str:
    if name.startswith("["):
        return "#9db8d2"
    hue = hashlib.sha256(encoded(name)).digest()[0] / 255
    red, green, blue = colorsys.hls_to_rgb(0.02 + 0.12 * hue, 0.68, 0.75)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _functions(profile: Profile) -> Iterator[str]:
    samples = profile.figures.samples or 1
    yield "<h2>Hottest functions</h2><table><tr><th class=n>time</th>"
    yield "<th class=n>instructions</th><th class=n>calls</th>" if profile.exact else ""
    yield "<th>function</th><th>module</th><th>source</th></tr>"
    for row in profile.functions[:_ROWS]:
        counts = (
            f'<td class="n">{row.instructions or 0:,}</td><td class="n">{row.calls or 0:,}</td>'
            if profile.exact
            else ""
        )
        source = f"{row.source}:{row.line}" if row.source else ""
        yield (
            f'<tr><td class="n">{row.samples / samples:.2%}</td>{counts}'
            f'<td class="c">{escape(row.name)}</td><td>{escape(row.module.rpartition("/")[2])}</td>'
            f"<td>{escape(source)}</td></tr>"
        )
    yield "</table>"


def _lines(profile: Profile) -> Iterator[str]:
    if not profile.lines:
        return
    samples = profile.figures.samples or 1
    yield "<h2>Hottest source lines</h2><table>"
    for row in profile.lines[:_ROWS]:
        counts = f'<td class="n">{row.instructions:,}</td>' if row.instructions is not None else ""
        yield (
            f'<tr><td class="n">{row.samples / samples:.2%}</td>{counts}'
            f"<td>{escape(row.source)}:{row.line}</td><td>{escape(row.function)}</td></tr>"
        )
    yield "</table>"


def _branches(profile: Profile) -> Iterator[str]:
    rows = [branch for branch in profile.branches if branch.kind != "return"][:_ROWS]
    if not rows:
        return
    yield "<h2>Hottest indirect jumps and calls</h2><table><tr><th class=n>executions</th>"
    yield "<th></th><th>from</th><th class=n>targets</th><th>most often to</th></tr>"
    for row in rows:
        targets = "<br>".join(
            f"{target.executions / row.executions:.1%} {escape(target.function)} "
            f"<code>{target.pc:#x}</code>"
            for target in row.targets[:_BRANCH_TARGETS]
        )
        source = f" {row.source}:{row.line}" if row.source else ""
        yield (
            f'<tr><td class="n">{row.executions:,}</td><td>{row.kind}</td>'
            f"<td>{escape(row.function)} <code>{row.pc:#x}</code>{escape(source)}</td>"
            f'<td class="n">{row.targets_seen:,}</td><td>{targets}</td></tr>'
        )
    yield "</table>"


def _units(profile: Profile) -> Iterator[str]:
    samples = profile.figures.samples or 1
    yield "<h2>Hottest translation units</h2>"
    for unit in profile.units[:_LISTED_UNITS]:
        times = f", {unit.executions:,} times" if unit.executions is not None else ""
        yield (
            f"<details><summary><code>{unit.pc:#x}</code> {escape(unit.function)} "
            f"{unit.samples / samples:.2%}{times}</summary>"
            f'<pre class="unit">{escape(_listing(unit))}</pre></details>'
        )


def _listing(unit: Unit) -> str:
    """Guest code, classes and emitted code side by side, translated anew."""
    try:
        code = bytes.fromhex(unit.code)
        listing = of_bytes(code, unit.pc)
    except (DbtError, ValueError) as error:
        return str(error)
    return str(listing)
