"""The programs of `make runtimes`, with threads or compilers of their own: how they are called."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.guests.execute import ENVIRONMENT, ROOT
from tests.matrix import inputs
from tests.runtimes import project

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


def _java_heap(collector: str) -> list[str]:
    made = _built("Heap.java", "Heap.class", [_tool("javac"), "-d", "{out}"])
    options = [f"-XX:+Use{collector}GC", "-Xmx512m", "-cp", str(made.parent)]
    return [_tool("java"), *options, "Heap"]


def _in_shell(script: str) -> list[str]:
    """A shell that runs a script in a directory of its own; it must not outlive the run."""
    return ["/bin/sh", "-ec", f"cd $(mktemp -d); trap 'rm -rf $PWD' EXIT; {script}"]


def _javac() -> list[str]:
    sources = OUTPUT / "project"
    sources.mkdir(parents=True, exist_ok=True)
    project.write(sources)
    return _in_shell(f"{_tool('javac')} -d . {sources}/*.java; ls project | sort | sha256sum")


def _node(source: str, *options: str) -> list[str]:
    return [_tool("node"), *options, str(SOURCES / source)]


def _php() -> list[str]:
    options = ("opcache.enable_cli=1", "opcache.jit_buffer_size=64M", "opcache.jit=tracing")
    words = [word for option in options for word in ("-d", option)]
    return [_tool("php"), *words, str(SOURCES / "machine.php")]


def _llvm(*options: str) -> list[str]:
    return [_tool("lli"), *options, str(SOURCES / "machine.ll")]


def _mono() -> list[str]:
    return [
        _tool("mono"),
        str(_built("Machine.cs", "machine.exe", [_tool("mcs"), "-out:{out}/machine.exe"])),
    ]


def _emulated() -> list[str]:
    return [_tool("qemu-x86_64"), inputs.program("isprime", "isprime.c", "static"), "100000"]


def _browser() -> list[str]:
    words = f"{_tool('chromium')} --headless --no-sandbox --disable-gpu --user-data-dir=."
    return _in_shell(
        f"HOME=$PWD {words} --screenshot=page.png file://{SOURCES}/page.html 2>messages;"
        " sha256sum page.png"
    )


PROGRAMS: tuple[Program, ...] = (
    Program("go", "golang-go", ("go",), _go),
    Program("rust", "rustc", ("rustc",), _rust),
    Program("java-interpreted", "default-jdk-headless", ("java", "javac"), lambda: _java("-Xint")),
    Program("java", "default-jdk-headless", ("java", "javac"), _java),
    *(
        Program(
            f"java-{name.lower()}",
            "default-jdk-headless",
            ("java", "javac"),
            partial(_java_heap, name),
        )
        for name in ("Serial", "Parallel", "G1", "Z")
    ),
    Program("javac", "default-jdk-headless", ("javac",), _javac),
    Program("node-jitless", "nodejs", ("node",), lambda: _node("workers.js", "--jitless")),
    Program("node", "nodejs", ("node",), lambda: _node("workers.js")),
    Program("node-regex", "nodejs", ("node",), lambda: _node("regex.js")),
    Program("node-wasm", "nodejs", ("node",), lambda: _node("wasm.js")),
    Program(
        "luajit", "luajit", ("luajit",), lambda: [_tool("luajit"), str(SOURCES / "machine.lua")]
    ),
    Program("pypy", "pypy3", ("pypy3",), lambda: [_tool("pypy3"), str(SOURCES / "machine.py")]),
    Program("php", "php-cli", ("php",), _php),
    Program("mono", "mono-mcs", ("mono", "mcs"), _mono),
    Program("llvm", "llvm-runtime", ("lli",), _llvm),
    Program("llvm-lazy", "llvm-runtime", ("lli",), lambda: _llvm("--jit-kind=orc-lazy")),
    Program("qemu-user", "qemu-user", ("qemu-x86_64",), _emulated),
    Program("chromium", "chromium", ("chromium",), _browser),
)
