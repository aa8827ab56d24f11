"""The programs with threads that `make runtimes` runs: how they are built and called."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.guests.execute import ENVIRONMENT, ROOT

SOURCES = Path(__file__).parent
OUTPUT = ROOT / "build" / "runtimes"

_PATH = "/usr/local/bin:/usr/bin:/bin"


class Missing(Exception):
    """A compiler or a virtual machine is not installed; the message names the package."""


@dataclass(frozen=True)
class Program:
    """One program and one way to call it.

    Attributes:
        name: of the row.
        package: Debian's, that has what it needs.
        tools: programs that must be there.
        command: absolute path and arguments; it builds what has to be built.
    """

    name: str
    package: str
    tools: tuple[str, ...]
    command: Callable[[], list[str]]

    def words(self) -> list[str]:
        """The command line.

        Raises:
            Missing: a tool is not installed.
        """
        for tool in self.tools:
            if shutil.which(tool, path=_PATH) is None:
                raise Missing(f"install {self.package}: there is no {tool}")
        return self.command()


def _tool(name: str) -> str:
    path = shutil.which(name, path=_PATH)
    assert path is not None
    return path


def _built(source: str, made: str, words: Sequence[str]) -> Path:
    """What a compiler makes of a source, once for each content; `{out}` stands for where."""
    digest = hashlib.sha256("\0".join(words).encode() + (SOURCES / source).read_bytes())
    output = OUTPUT / digest.hexdigest()[:16]
    if not output.exists():
        OUTPUT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=OUTPUT) as directory:
            subprocess.run(
                [word.format(out=directory) for word in words] + [str(SOURCES / source)],
                check=True,
                env={**ENVIRONMENT, "GOCACHE": str(OUTPUT / "go-cache"), "GOFLAGS": "-mod=mod"},
                cwd=OUTPUT,
            )
            os.makedirs(output, exist_ok=True)
            for path in Path(directory).iterdir():
                path.replace(output / path.name)
    return output / made


def _go() -> list[str]:
    words = [_tool("go"), "build", "-o", "{out}/workers"]
    return [str(_built("workers.go", "workers", words))]


def _rust() -> list[str]:
    words = [_tool("rustc"), "-O", "--out-dir", "{out}"]
    return [str(_built("workers.rs", "workers", words))]


def _java(*options: str) -> list[str]:
    made = _built("Workers.java", "Workers.class", [_tool("javac"), "-d", "{out}"])
    return [_tool("java"), *options, "-cp", str(made.parent), "Workers"]


def _node(*options: str) -> list[str]:
    return [_tool("node"), *options, str(SOURCES / "workers.js")]


PROGRAMS: tuple[Program, ...] = (
    Program("go", "golang-go", ("go",), _go),
    Program("rust", "rustc", ("rustc",), _rust),
    Program("java-interpreted", "default-jdk-headless", ("java", "javac"), lambda: _java("-Xint")),
    Program("java", "default-jdk-headless", ("java", "javac"), _java),
    Program("node-jitless", "nodejs", ("node",), lambda: _node("--jitless")),
    Program("node", "nodejs", ("node",), _node),
)
