"""Building guests from their sources, once for each content: the results stay in build/guests."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.guests.execute import ROOT

SOURCES = ROOT / "guests"
OUTPUT = ROOT / "build" / "guests"

#: How a guest can be linked. The bare ones have no C library and start at _start.
VARIANTS: dict[str, tuple[str, ...]] = {
    "bare": ("-nostdlib", "-static", "-no-pie", "-Wl,-z,noexecstack", "-Wl,--build-id=none"),
    "bare-pie": ("-nostdlib", "-static-pie", "-Wl,-z,noexecstack", "-Wl,--build-id=none"),
    "pie": ("-fPIE", "-pie"),
    "no-pie": ("-fno-pie", "-no-pie"),
    "static": ("-fno-pie", "-no-pie", "-static"),
    "static-pie": ("-fPIE", "-static-pie"),
    "library": ("-fPIC", "-shared"),
    "musl": ("-fno-pie", "-no-pie", "-static"),
}

#: Variants whose compiler is not gcc.
COMPILERS: dict[str, str] = {"musl": "musl-gcc"}

_COMMON = ("-O2", "-Wall", "-Wextra", "-Wno-infinite-recursion", "-z", "noexecstack")


class BuildError(Exception):
    """A guest does not compile; the compiler's words are the message."""


def build(name: str, source: str, variant: str, flags: Sequence[str] = ()) -> Path:
    """Compiles one guest.

    Args:
        name: of the executable; what the guest sees as its own name.
        source: file name in guests/.
        variant: a key of VARIANTS.
        flags: more flags for gcc.

    Returns:
        The executable's path; it holds a hash of everything that went in.

    Raises:
        BuildError: gcc refused it.
    """
    path = SOURCES / source
    compiler = COMPILERS.get(variant, "g++" if path.suffix == ".cc" else "gcc")
    words = [compiler, *_COMMON, *VARIANTS[variant]]
    digest = hashlib.sha256("\0".join([_version(compiler), variant, name, *words, *flags]).encode())
    for part in (path, *sorted(SOURCES.glob("*.inc"))):
        digest.update(part.read_bytes())
    output = OUTPUT / digest.hexdigest()[:16] / name
    if not output.exists():
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent) as directory:
            made = Path(directory) / name
            done = subprocess.run(
                [*words, "-o", str(made), str(path), *flags],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise BuildError(f"{source} ({variant}): {done.stderr}")
            os.replace(made, output)
    return output


@functools.cache
def _version(compiler: str) -> str:
    return subprocess.run(
        [compiler, "--version"], capture_output=True, text=True, check=True
    ).stdout
