"""Linear sweeps over the code of real programs and libraries, against iced: no difference.

Every executable section is swept from its start. Both decoders step over a byte that both refuse
(data between functions); any other difference in length or branch target fails. The quick form
takes windows spread over each file; `make quick` leaves it at that, else all is swept.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import iced_x86
import pytest
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from tests.decode import native

LIBRARIES: Final = Path("/usr/lib/x86_64-linux-gnu")


def _this_python() -> Path:
    """The file with the interpreter's code: a library, where the executable only loads it."""
    executable = Path(sys.executable).resolve()
    if executable.stat().st_size > 1 << 20:
        return executable
    names = (sysconfig.get_config_var(name) for name in ("LIBDIR", "INSTSONAME"))
    return Path(*(str(name) for name in names))


FILES: Final = {
    "libc": LIBRARIES / "libc.so.6",
    "libcrypto": LIBRARIES / "libcrypto.so.3",
    "libstdc++": LIBRARIES / "libstdc++.so.6",
    "python": Path("/usr/bin/python3"),
    "node": Path("/usr/bin/node"),
    "cc1": next(iter(sorted(Path("/usr/lib/gcc/x86_64-linux-gnu").glob("*/cc1"))), Path("cc1")),
    "libx265": next(iter(sorted(LIBRARIES.glob("libx265.so.*"))), LIBRARIES / "libx265.so"),
    "libx264": next(iter(sorted(LIBRARIES.glob("libx264.so.*"))), LIBRARIES / "libx264.so"),
    "libdav1d": next(iter(sorted(LIBRARIES.glob("libdav1d.so.*"))), LIBRARIES / "libdav1d.so"),
    "this python": _this_python(),
}
CODECS: Final = ("libx264", "libx265", "libdav1d")
WINDOW_BYTES: Final = 1 << 16
WINDOWS: Final = 8
REFUSED: Final = 255


def sections(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            executable = section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR
            if executable and section["sh_type"] != "SHT_NOBITS" and section["sh_size"]:
                yield section["sh_addr"], section.data()


def _windows(pc: int, code: bytes) -> Iterator[tuple[int, bytes]]:
    if len(code) <= WINDOWS * WINDOW_BYTES:
        yield pc, code
        return
    step = (len(code) - WINDOW_BYTES) // (WINDOWS - 1)
    for at in range(0, len(code) - WINDOW_BYTES + 1, step):
        yield pc + at, code[at : at + WINDOW_BYTES]


def _differences(pc: int, code: bytes) -> tuple[int, list[str]]:
    lengths, targets = native.sweep(code, pc)
    decoder: Any = iced_x86.Decoder(64, code, ip=pc)
    theirs: Any = iced_x86.Instruction()
    decode = decoder.decode_out
    count = at = 0
    found: list[str] = []
    while at < len(code):
        decoder.position = at
        decoder.ip = pc + at
        decode(theirs)
        expected = theirs.len if theirs.code else REFUSED
        ours = lengths[at]
        count += 1
        if ours == expected:
            target = targets[at]
            if target and ours != REFUSED and target != theirs.near_branch_target:
                found.append(f"{pc + at:#x}: {theirs}: target {target:#x}")
            at += 1 if expected == REFUSED else expected
            continue
        text = code[at : at + 15].hex(" ")
        found.append(f"{pc + at:#x}: {text}: ours {ours}, theirs {expected}: {theirs}")
        at += 1 if expected == REFUSED else expected
        rest, rest_targets = native.sweep(code[at:], pc + at)
        lengths[at:] = rest
        targets[at:] = list(rest_targets)
    return count, found


def _check(name: str, whole: bool) -> None:
    path = FILES[name]
    if not path.exists():
        pytest.skip(f"{path} is not installed")
    count = 0
    for pc, code in sections(path):
        for start, window in [(pc, code)] if whole else _windows(pc, code):
            seen, found = _differences(start, window)
            count += seen
            assert not found, "\n".join(found[:20])
    assert count > 1000


def test_some_codec_is_installed() -> None:
    if not any(FILES[name].exists() for name in CODECS):
        pytest.skip("none of libx264, libx265, libdav1d is installed")


@pytest.mark.parametrize("name", FILES)
def test_windows(name: str) -> None:
    _check(name, whole=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_whole(name: str) -> None:
    _check(name, whole=True)
