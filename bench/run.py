"""Times programs under translation against native, in alternation, and prints ratios.

    python -m bench.run [--rounds N] [--peers] [--mode MODE] [NAME...]

The report ends with start-up and cold translation; everything is kept as JSON in build/bench, of
which `python -m bench.compare OLD NEW` compares two.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.counters import Sample, have_counters, measure, metric
from bench.peers import TIMEOUT_S, Runner, missing, peers, unfit
from bench.programs import TIMED, Timed
from tests.guests.build import build
from tests.guests.execute import ENVIRONMENT, MODES, ROOT, run, vmm_path
from tests.matrix.program import Context, context

OUTPUT = ROOT / "build" / "bench"


@dataclass
class Result:
    """One row of the report.

    Attributes:
        name: the program's.
        goal: the ratio it shall not exceed, 0 for none.
        samples: column to its samples, in the order they were taken.
        error: why it could not be measured; empty when it could.
        absent: column to why that one has no figure, for peers.
    """

    name: str
    goal: float
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    error: str = ""
    absent: dict[str, str] = field(default_factory=dict)

    def ratios(self, column: str) -> list[float]:
        """The cost of each run of a column over the native run of the same round."""
        return [
            sample.cost / native.cost
            for sample, native in zip(
                self.samples.get(column, []), self.samples.get("native", []), strict=False
            )
            if native.cost
        ]

    def ratio(self, column: str) -> float | None:
        """The smallest cost of a column over the smallest native one."""
        samples, native = self.samples.get(column), self.samples.get("native")
        if not samples or not native:
            return None
        return min(s.cost for s in samples) / max(min(s.cost for s in native), 1e-9)

    def instruction_ratio(self) -> float | None:
        """Instructions translated over native; None without counters."""
        pair = self.samples.get("dbt"), self.samples.get("native")
        if not pair[0] or not pair[1]:
            return None
        counts = [samples[0].instructions for samples in pair if samples]
        return counts[0] / counts[1] if counts[0] and counts[1] else None


def run_native(words: list[str], where: Context) -> Sample:
    """Times a program on the bare processor."""
    return measure(words, cwd=where.directory, environment=dict(ENVIRONMENT))


def translated_runner(mode: str, *, sampled: bool = False, counted: bool = False) -> Runner:
    """What times a program under translation, the VMM started directly.

    Args:
        mode: a key of tests.guests.execute.MODES.
        sampled: whether it is profiled, by samples.
        counted: and by counting executions.
    """

    def runner(words: list[str], where: Context) -> Sample:
        from dbt.profiler.run import INTERVAL_US
        from dbt.runtime.session import Session
        from dbt.tcache.settings import Settings

        interval_us = INTERVAL_US if sampled else 0
        settings = Settings(**MODES[mode])
        with Session(settings, sample_interval_us=interval_us, counts=counted) as session:
            return measure(
                ["dbt-vmm", str(session.fd), words[0], *words],
                executable=str(vmm_path()),
                descriptors=(session.fd,),
                cwd=where.directory,
                environment=dict(ENVIRONMENT),
            )

    return runner


def time_program(timed: Timed, where: Context, rounds: int, columns: dict[str, Runner]) -> Result:
    """Times one program, natively and in each column, in alternation.

    Args:
        timed: the program.
        where: its inputs.
        rounds: how often each; peers run in the first round only.
        columns: name to runner.
    """
    result = Result(timed.name, timed.goal if timed.cpu_bound else 0.0)
    words = timed.command(where)
    if not Path(words[0]).exists():
        result.error = f"{words[0]} is not installed"
        return result
    others = set(columns) - {"dbt", "sampled", "counted"}
    result.absent = {name: why for name in others if (why := unfit(name, timed.name))}
    for number in range(rounds):
        for column, runner in {"native": run_native, **columns}.items():
            if column in result.absent or (number and column in others):
                continue
            try:
                result.samples.setdefault(column, []).append(runner(words, where))
            except RuntimeError as error:
                if column == "dbt":
                    result.error = str(error)
                    return result
                result.absent[column] = str(error)
    return result


def time_start(where: Context, rounds: int, mode: str) -> dict[str, float]:
    """Times the start of /bin/true: milliseconds of wall time, and how far over native."""
    runner = translated_runner(mode)
    walls: dict[str, list[float]] = {"native": [], "dbt": []}
    for _ in range(rounds):
        walls["native"].append(run_native(["/bin/true"], where).wall_s)
        walls["dbt"].append(runner(["/bin/true"], where).wall_s)
    best = {name: 1000 * min(values) for name, values in walls.items()}
    median = {name: 1000 * statistics.median(values) for name, values in walls.items()}
    return {
        "native_ms": best["native"],
        "dbt_ms": best["dbt"],
        "over_ms": best["dbt"] - best["native"],
        "over_median_ms": median["dbt"] - median["native"],
    }


def cold_translation(where: Context, mode: str) -> list[dict[str, float | str]]:
    """Cost of translating, in time-stamp counter ticks a guest instruction, by the VMM's counts."""
    rows: list[dict[str, float | str]] = []
    commands = {
        "true": ["/bin/true"],
        "many functions": [str(build("many_functions", "many_functions.S", "bare"))],
        "python -c pass": ["/usr/bin/python3", "-c", "pass"],
        "cc1": next(timed for timed in TIMED if timed.name == "cc1").command(where),
    }
    for name, words in commands.items():
        outcome = run(words, mode=mode, cwd=where.directory, timeout_s=300)
        counted = [process.statistics for process in outcome.processes]
        instructions = sum(one.guest_instructions_translated for one in counted)
        ticks = sum(one.translation_cycles for one in counted)
        rows.append(
            {
                "program": name,
                "instructions": instructions,
                "units": sum(one.units_translated for one in counted),
                "ticks_per_instruction": ticks / instructions if instructions else 0.0,
                "bytes_per_guest_byte": sum(one.host_bytes_emitted for one in counted)
                / max(sum(one.guest_bytes_translated for one in counted), 1),
            }
        )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Times what the command line asks for, prints the report and keeps it.

    Returns:
        0, or 1 when a program did not run.
    """
    options = _parse(arguments)
    console = Console(width=max(Console().width, 120) if not sys.stdout.isatty() else None)
    where = context("full")
    columns: dict[str, Runner] = {"dbt": translated_runner(options.mode)}
    if options.profile:
        columns["sampled"] = translated_runner(options.mode, sampled=True)
        columns["counted"] = translated_runner(options.mode, sampled=True, counted=True)
    if options.peers:
        columns |= peers(options.timeout)
        for name, why in missing().items():
            console.print(f"no {name}: {why}", highlight=False, markup=False)
    results = []
    for timed in TIMED:
        if options.names and timed.name not in options.names:
            continue
        result = time_program(timed, where, options.rounds, columns)
        results.append(result)
        console.print(f"{timed.name:<16} {result.ratio('dbt') or 0:.2f}", highlight=False)
    start: dict[str, float] = {}
    cold: list[dict[str, float | str]] = []
    if not options.names:
        start = time_start(where, 40, options.mode)
        cold = cold_translation(where, options.mode)
    _print(console, results, list(columns), options)
    _print_costs(console, start, cold)
    _keep(results, start, cold, options.mode)
    return 1 if any(result.error for result in results) else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows to time; none: all")
    parser.add_argument("--rounds", type=int, default=3, help="alternations (default 3)")
    parser.add_argument("--mode", default="default", choices=list(MODES), help="of the engine")
    parser.add_argument(
        "--peers", action="store_true", help="time the installed peers too, one round"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=TIMEOUT_S,
        metavar="SECONDS",
        help=f"of a peer's run, after which it is given up (default {TIMEOUT_S:.0f})",
    )
    parser.add_argument(
        "--profile", action="store_true", help="time `dbt profile`, sampled and counted, too"
    )
    return parser.parse_args(arguments)


def overheads(results: Sequence[Result], column: str) -> dict[str, float]:
    """The least cost of a column over the least one of plain `dbt run`, by program.

    Args:
        results: those without either are left out.
        column: "sampled" or "counted".
    """
    found = {}
    for result in results:
        plain, profiled = result.ratio("dbt"), result.ratio(column)
        if plain and profiled and not result.error:
            found[result.name] = profiled / plain
    return found


def _print(
    console: Console, results: list[Result], columns: list[str], options: argparse.Namespace
) -> None:
    table = Table(
        title=f"{metric()}, ratios to native, {options.rounds} rounds, mode {options.mode}"
    )
    table.add_column("program")
    unit = "Mcycles" if have_counters() else "s"
    for heading in (
        f"native {unit}",
        "dbt min",
        "dbt median",
        "instructions",
        "goal",
        *columns[1:],
    ):
        table.add_column(heading, justify="right")
    for result in results:
        if result.error:
            table.add_row(result.name, f"[red]{result.error[:90]}[/red]")
            continue
        ratio = result.ratio("dbt") or 0.0
        over = bool(result.goal) and ratio > result.goal
        cost = min(sample.cost for sample in result.samples["native"])
        instructions = result.instruction_ratio()
        table.add_row(
            result.name,
            f"{cost / 1e6:.0f}" if have_counters() else f"{cost:.2f}",
            f"[red]{ratio:.2f}[/red]" if over else f"{ratio:.2f}",
            f"{statistics.median(result.ratios('dbt')):.2f}",
            f"{instructions:.2f}" if instructions else "-",
            f"{result.goal:.2f}" if result.goal else "-",
            *(f"{value:.2f}" if (value := result.ratio(name)) else "-" for name in columns[1:]),
        )
    console.print(table)
    for column in ("sampled", "counted"):
        costs = overheads(results, column)
        if costs:
            mean = statistics.geometric_mean(costs.values())
            name = max(costs, key=lambda name: costs[name])
            goal = "; goal 2%" if column == "sampled" else ""
            console.print(
                f"dbt profile, {column}, over dbt run: {mean - 1:+.1%} in the mean of "
                f"{len(costs)} programs, {costs[name] - 1:+.1%} at most ({name}){goal}",
                highlight=False,
            )
    for result in results:
        for column, why in result.absent.items():
            line = f"{result.name} has no figure for {column}: {why}"
            console.print(line, highlight=False, markup=False)


def _print_costs(
    console: Console, start: dict[str, float], cold: list[dict[str, float | str]]
) -> None:
    if start:
        console.print(
            f"start of /bin/true, wall: native {start['native_ms']:.2f} ms,"
            f" dbt {start['dbt_ms']:.2f} ms, over native {start['over_ms']:.2f} ms"
            f" (median {start['over_median_ms']:.2f}; goal 5)",
            highlight=False,
        )
    if cold:
        table = Table(title="cold translation (goal: 500 ticks an instruction)")
        for heading in (
            "program",
            "units",
            "instructions",
            "ticks/instruction",
            "host/guest bytes",
        ):
            table.add_column(heading, justify="left" if heading == "program" else "right")
        for row in cold:
            table.add_row(
                str(row["program"]),
                f"{row['units']:,}",
                f"{row['instructions']:,}",
                f"{row['ticks_per_instruction']:.0f}",
                f"{row['bytes_per_guest_byte']:.2f}",
            )
        console.print(table)


def _keep(
    results: list[Result], start: dict[str, float], cold: list[dict[str, float | str]], mode: str
) -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    record = {
        "metric": metric(),
        "mode": mode,
        "machine": {"cpu": _cpu(), "kernel": platform.release(), "cpus": os.cpu_count()},
        "results": [
            {
                **asdict(result),
                "ratio": result.ratio("dbt"),
                "instruction_ratio": result.instruction_ratio(),
            }
            for result in results
        ],
        "start": start,
        "cold": cold,
    }
    path = OUTPUT / f"{time.strftime('%Y%m%d-%H%M%S')}-{mode}.json"
    path.write_text(json.dumps(record, indent=1))
    print(f"kept in {path.relative_to(ROOT)}")


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


if __name__ == "__main__":
    sys.exit(main())
