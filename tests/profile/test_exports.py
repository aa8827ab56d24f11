"""Exports: each is read as its own tools read it, or checked against another tool's answer."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

import dbt
from dbt.profiler.exports import EXPORTS
from dbt.profiler.file import save
from dbt.profiler.inclusive import shared_costs
from dbt.profiler.model import Profile
from tests.profile.programs import ALONE, ALONE_FLAGS, BRANCHES, CALLERS, compile_program


@pytest.fixture(scope="module")
def profile(directory: Path) -> Profile:
    """An exact profile of that program."""
    return dbt.profile([directory / "program"], exact=True)


@pytest.fixture(scope="module")
def sampled() -> Profile:
    """A sampled profile of another."""
    return dbt.profile(["/bin/true"])


def test_callgrind_costs_add_up(profile: Profile) -> None:
    lines = EXPORTS["callgrind"](profile).decode().splitlines()
    (summary,) = (line for line in lines if line.startswith("summary: "))
    (events,) = (line for line in lines if line.startswith("events: "))
    assert events == "events: Ir Samples"
    costs: Counter[str] = Counter()
    function = ""
    for before, line in pairwise(lines):
        if line.startswith("fn="):
            function = line[3:]
        elif re.fullmatch(r"\d+ \d+ \d+", line) and not before.startswith("calls="):
            costs[function] += int(line.split()[1])
    wanted = {row.name: row.instructions for row in profile.functions if row.instructions}
    assert costs["hot"] == wanted["hot"] and costs["cold"] == wanted["cold"]
    # What faults and signals left undone is in units, and not in the sum.
    assert sum(costs.values()) == pytest.approx(int(summary.split()[1]), rel=1e-4)


def callgrind_calls(text: str, module: str) -> Counter[str]:
    """How often functions of a module were called, by a profile in callgrind's format."""
    found: Counter[str] = Counter()
    here, there, callee = "", "", ""
    for line in text.splitlines():
        word, _, value = line.partition("=")
        if word == "ob":
            here = there = value
        elif word == "cob":
            there = value
        elif word == "cfn":
            callee = value.partition("'")[0]  # callgrind tells rounds of a recursion apart
        elif word == "calls":
            if there == module:
                found[callee] += int(value.split()[0])
            there = here
    return found


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="there is no valgrind here")
def test_calls_are_those_that_callgrind_counts(tmp_path: Path) -> None:
    program = str(compile_program(tmp_path, "program", CALLERS, "-O2"))
    profile = dbt.profile([program], exact=True)
    ours = callgrind_calls(EXPORTS["callgrind"](profile).decode(), program)
    command = ["valgrind", "--tool=callgrind", "--compress-strings=no", "--compress-pos=no"]
    command += [f"--callgrind-out-file={tmp_path}/theirs", program]
    subprocess.run(command, check=True, capture_output=True)
    theirs = callgrind_calls((tmp_path / "theirs").read_text(), program)
    named = {row.name for row in profile.functions if row.module == program}
    names = {name for name in theirs if name in named and "section" not in name}
    assert {"leaf", "tail", "fib", "odd", "even", "compare", "main"} <= names
    assert {name: ours[name] for name in names} == {name: theirs[name] for name in names}


def test_callers_share_what_a_call_costs() -> None:
    # 0 calls 1 once, 1 calls 2 three times, 0 calls 2 once; 2 and 3 call each other.
    edges = [(0, 1, 1), (1, 2, 3), (0, 2, 1), (2, 3, 5), (3, 2, 5), (2, 2, 7)]
    assert shared_costs([1, 10, 60, 20], edges) == [70, 60, 20, 0, 0, 0]


def test_speedscope_frames_and_weights_fit(profile: Profile) -> None:
    tree = json.loads(EXPORTS["speedscope"](profile))
    (one,) = tree["profiles"]
    frames = [frame["name"] for frame in tree["shared"]["frames"]]
    assert len(one["samples"]) == len(one["weights"])
    assert sum(one["weights"]) == one["endValue"] == profile.figures.samples
    assert {frames[at] for stack in one["samples"] for at in stack} == set(frames)
    assert [frames[at] for at in one["samples"][0]] == ["program", "hot"]


def test_perf_map_names_host_code(profile: Profile) -> None:
    rows = EXPORTS["perf-map"](profile).decode().splitlines()
    found = [re.fullmatch(r"([0-9a-f]+) ([0-9a-f]+) (\S.*)", row) for row in rows]
    assert all(found) and len(rows) == profile.figures.units_translated
    assert any(row.endswith(f"hot [guest {profile.units[0].pc:#x}]") for row in rows)


def test_drcov_blocks_lie_in_their_modules(profile: Profile, directory: Path) -> None:
    head, _, rest = EXPORTS["drcov"](profile).partition(b"BB Table: ")
    count, _, table = rest.partition(b" bbs\n")
    version, flavor, title, columns, *modules = head.decode().splitlines()
    assert (version, flavor) == ("DRCOV VERSION: 2", "DRCOV FLAVOR: drcov")
    assert title == f"Module Table: version 2, count {len(modules)}"
    assert columns == "Columns: id, base, end, entry, checksum, timestamp, path"
    blocks = list(struct.iter_unpack("<IHH", table))
    assert len(blocks) == int(count)
    extents = {}
    for module in modules:
        parts = [part.strip() for part in module.split(",")]
        extents[int(parts[0])] = (int(parts[1], 16), int(parts[2], 16), parts[6])
    for start, size, number in blocks:
        base, end, _ = extents[number]
        assert base + start + size <= end
    hottest = profile.units[0]
    (number,) = (n for n, extent in extents.items() if extent[2] == str(directory / "program"))
    assert hottest.pc - extents[number][0] in {start for start, _, n in blocks if n == number}


def gcov_lines(directory: Path) -> dict[int, int]:
    """What gcov says of a program's lines, by a run of an instrumented build."""
    program = compile_program(directory, "instrumented", BRANCHES, "-O0", "--coverage")
    subprocess.run([program], check=True, capture_output=True, cwd=directory)
    (data,) = directory.glob("*.gcda")
    command = ["gcov", "--json-format", "--stdout", str(data)]
    done = subprocess.run(command, check=True, capture_output=True, cwd=directory)
    (file,) = json.loads(done.stdout)["files"]
    return {line["line_number"]: line["count"] for line in file["lines"]}


def test_lcov_agrees_with_gcov(tmp_path: Path) -> None:
    program = compile_program(tmp_path, "program", BRANCHES, "-O0")
    profile = dbt.profile([program], exact=True, capture_output=True)
    record = lcov_record(profile, tmp_path / "program.c")
    counts = {int(a): int(b) for a, b in re.findall(r"^DA:(\d+),(\d+)$", record, re.MULTILINE)}
    wanted = gcov_lines(tmp_path)
    # The line table begins a function at its brace, gcov where it is declared.
    assert {line: counts.get(line, counts.get(line + 1)) for line in wanted} == wanted
    assert 0 in wanted.values()
    assert "FNDA:9,classify" in record and "FNDA:1,main" in record


def lcov_record(profile: Profile, source: Path) -> str:
    """What lcov's format tells of a source file; empty: nothing."""
    _, found, rest = EXPORTS["lcov"](profile).decode().partition(f"SF:{source}\n")
    return rest.partition("end_of_record")[0] if found else ""


def test_lcov_reads_debug_files(tmp_path: Path) -> None:
    (tmp_path / "other.c").write_text(
        "void (*volatile other)(void); void unused(void) { other(); }"
    )
    flags = (*ALONE_FLAGS, str(tmp_path / "other.c"))
    program = compile_program(tmp_path, "program", ALONE, *flags)
    profile = dbt.profile([program], exact=True)
    whole = lcov_record(profile, tmp_path / "program.c")
    assert "FNDA:9,add" in whole and lcov_record(profile, tmp_path / "other.c")
    command = ["objcopy", "--only-keep-debug", "program", "program.debug"]
    subprocess.run(command, check=True, cwd=tmp_path)
    command = ["objcopy", "--strip-debug", "--add-gnu-debuglink=program.debug", "program"]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert lcov_record(profile, tmp_path / "program.c") == whole
    # Nothing of it was executed, and debug files are large.
    assert lcov_record(profile, tmp_path / "other.c") == ""


@pytest.mark.parametrize("damage", [False, True], ids=["absent", "damaged"])
def test_lcov_without_dwarf_is_one_line(tmp_path: Path, damage: bool) -> None:
    program = compile_program(tmp_path, "program", ALONE, *ALONE_FLAGS, "-g" if damage else "-g0")
    if damage:
        (tmp_path / "rubbish").write_bytes(b"\xff" * 4 + bytes(range(256)))
        section = f".debug_line={tmp_path}/rubbish"
        subprocess.run(["objcopy", "--update-section", section, str(program)], check=True)
    save(dbt.profile([program], exact=True), tmp_path / "profile")
    command = (sys.executable, "-m", "dbt", "report", tmp_path / "profile", "--format", "lcov")
    done = subprocess.run([*command, "-o", tmp_path / "shown"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == (
        "dbt: lcov tells source lines: no program or library of this profile has DWARF now, "
        "in itself or in a debug file\n"
    )
    assert not (tmp_path / "shown").exists()


def test_lcov_of_samples_is_refused(sampled: Profile, tmp_path: Path) -> None:
    save(sampled, tmp_path / "profile")
    command = (sys.executable, "-m", "dbt", "report", tmp_path / "profile", "--format", "lcov")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == ("dbt: lcov tells executions: this profile was not made with --exact\n")


@pytest.mark.parametrize("format", sorted(set(EXPORTS) - {"lcov"}))
def test_every_format_takes_any_profile(sampled: Profile, tmp_path: Path, format: str) -> None:
    save(sampled, tmp_path / "profile")
    command = (sys.executable, "-m", "dbt", "report", tmp_path / "profile", "--format", format)
    subprocess.run([*command, "-o", tmp_path / "shown"], check=True)
    assert (tmp_path / "shown").read_bytes() == EXPORTS[format](sampled)


class Page(HTMLParser):
    """What is in a page: ids of plots, and everything that would be loaded from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.loaded: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.ids.add(names.get("id") or "")
        self.loaded += [names[name] or "" for name in ("src", "href", "data") if name in names]
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"


def test_the_page_is_whole_and_needs_nothing(profile: Profile) -> None:
    text = EXPORTS["html"](profile).decode()
    page = Page(text)
    assert {"time-split", "hit-rate", "occupancy", "dispatches", "flame"} <= page.ids
    assert {"dispatch-rates", "arenas"} <= page.ids
    assert page.loaded == [] and page.open == []
    assert "url(" not in text and "@import" not in text
    # The listing has guest code, classes and emitted code.
    assert re.search(r"IDENT +ident +\| 0x[0-9a-f]+", text)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no Chromium here")
def test_a_browser_shows_the_page_and_folds_the_flame_graph(
    profile: Profile, tmp_path: Path
) -> None:
    text = EXPORTS["html"](profile).decode()
    probe = """<script>
      window.onerror = function (what) { document.title = 'error ' + what; };
      var boxes = [...document.querySelectorAll('#flame g')];
      var hot = boxes.find(function (g) { return g.dataset.name === 'hot'; });
      hot.dispatchEvent(new Event('click'));
      var width = +hot.querySelector('rect').getAttribute('width');
      document.title = width > 850 ? 'folded' : 'hot is ' + width;
    </script></body>"""
    (tmp_path / "page.html").write_text(text.replace("</body>", probe))
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", f"file://{tmp_path}/page.html"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "<title>folded</title>" in done.stdout
