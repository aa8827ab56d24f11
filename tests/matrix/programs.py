"""The program matrix: what to run, and which Debian package each program comes from."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.matrix import inputs


@dataclass(frozen=True)
class Context:
    """What a program's command line may refer to.

    Attributes:
        size: of the inputs, a key of tests.matrix.inputs.SCALES.
        directory: the inputs; also the working directory.
    """

    size: str
    directory: Path

    def pick(self, full: object, small: object) -> str:
        """One of two words, by size."""
        return str(full if self.size == "full" else small)

    def workload(self, name: str) -> str:
        """Path of a file in bench/workloads."""
        return str(inputs.WORKLOADS / name)

    def script(self, name: str) -> str:
        """Path of a file in tests/matrix/scripts."""
        return str(inputs.SCRIPTS / name)


@dataclass(frozen=True)
class Program:
    """One row of the matrix.

    Attributes:
        name: of the row.
        package: the Debian package of the executable, or of the compiler that builds it.
        command: makes the command line; its first word is an absolute path.
        sample: whether CI's quick sample takes it.
        input_file: standard input, a name in the inputs' directory; empty for none.
        status: the exit status it has natively.
        timeout_s: wall time for a full translated run.
        refused: why the engine refuses it for now, as its message says; empty when it must work.
    """

    name: str
    package: str
    command: Callable[[Context], list[str]]
    sample: bool = False
    input_file: str = ""
    status: int = 0
    timeout_s: float = 300.0
    refused: str = ""


@functools.cache
def compiler_part(name: str) -> str:
    """Path of a part of gcc, such as cc1."""
    done = subprocess.run(
        ["gcc", f"-print-prog-name={name}"], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _usr(name: str, *words: str) -> Callable[[Context], list[str]]:
    """/usr/bin/NAME with words that need nothing filled in."""
    return lambda _: [f"/usr/bin/{name}", *words]


def _shell(shell: str, text: str) -> Callable[[Context], list[str]]:
    return lambda _: [shell, "-c", text]


def _script(shell: str, name: str) -> Callable[[Context], list[str]]:
    """A shell and one of the matrix's scripts."""
    return lambda context: [shell, context.script(name)]


PROGRAMS: tuple[Program, ...] = (
    # Files and text.
    Program(
        "ls",
        "coreutils",
        lambda c: ["/usr/bin/ls", "-lR", c.pick("/usr/share", "/usr/share/perl")],
        sample=True,
    ),
    Program(
        "find",
        "findutils",
        lambda c: [
            "/usr/bin/find",
            c.pick("/usr/share", "/usr/share/perl"),
            "-type",
            "f",
            "-name",
            "*.[a-m]*",
            "-size",
            "+1k",
            "-printf",
            "%p %s %m %TY\n",
        ],
    ),
    Program(
        "sha256sum", "coreutils", _usr("sha256sum", *["mixed.bin", "words.txt", "lines.txt"] * 8)
    ),
    Program("b2sum", "coreutils", _usr("b2sum", *["mixed.bin", "words.txt", "lines.txt"] * 8)),
    Program("sort", "coreutils", _usr("sort", "--parallel=1", "lines.txt"), sample=True),
    Program("sort-numeric", "coreutils", _usr("sort", "--parallel=1", "-k2n", "-k1r", "lines.txt")),
    Program(
        "grep",
        "grep",
        _usr("grep", "-nE", "(der|quax_)[a-z]*(sun|lo) .*(el|ka)[a-z]*$", "words.txt"),
        sample=True,
    ),
    Program(
        "grep-perl",
        "grep",
        _usr("grep", "-cP", r"(?<=der)(qua|lo)\w*\b.*(?!\1)ist\w{3,}", "words.txt"),
    ),
    Program(
        "sed",
        "sed",
        _usr("sed", "-E", r"s/([a-z]+)_([a-z]+)/\2-\1/g; /define/!d; y/abc/xyz/", "words.txt"),
    ),
    Program(
        "mawk",
        "mawk",
        lambda c: ["/usr/bin/mawk", "-f", str(c.directory / "w.awk"), "words.txt"],
        timeout_s=600,
    ),
    Program(
        "gawk",
        "gawk",
        lambda c: ["/usr/bin/gawk", "-f", str(c.directory / "w.awk"), "words.txt"],
        timeout_s=600,
    ),
    Program(
        "diff",
        "diffutils",
        _usr("diff", "-u", "--label=a", "--label=b", "original.txt", "changed.txt"),
        status=1,
    ),
    Program(
        "patch",
        "patch",
        _shell("/bin/sh", "diff original.txt changed.txt | patch -o - original.txt | md5sum"),
    ),
    Program(
        "wc-tr-od",
        "coreutils",
        _script("/bin/sh", "text.sh"),
    ),
    Program("factor", "coreutils", _usr("factor"), input_file="numbers.txt"),
    Program(
        "file",
        "file",
        lambda c: [
            "/usr/bin/file",
            *sorted(str(path) for path in Path("/usr/bin").iterdir() if path.is_file())[
                : int(c.pick(400, 20))
            ],
        ],
    ),
    Program(
        "m4", "m4", lambda c: ["/usr/bin/m4", "-D", f"DEPTH={c.pick(21, 8)}", c.script("macros.m4")]
    ),
    Program("groff", "groff-base", _usr("groff", "-man", "-Tutf8", "page.groff"), timeout_s=600),
    Program("xxd", "xxd", _usr("xxd", "mixed.bin")),
    # Archives and compression.
    Program(
        "tar",
        "tar",
        _usr(
            "tar",
            "-cf",
            "-",
            "--sort=name",
            "--owner=0",
            "--group=0",
            "tree",
            "mixed.bin",
            "words.txt",
            "lines.txt",
        ),
    ),
    Program(
        "tar-list", "tar", _shell("/bin/sh", "tar -czf - --sort=name tree | tar -tvzf - | sort")
    ),
    Program("gzip", "gzip", _usr("gzip", "-9nc", "mixed.bin")),
    Program("gunzip", "gzip", _usr("gzip", "-dc", "mixed.bin.gz")),
    Program("bzip2", "bzip2", _usr("bzip2", "-9c", "mixed.bin"), sample=True),
    Program("bunzip2", "bzip2", _usr("bzip2", "-dc", "mixed.bin.bz2")),
    Program("xz", "xz-utils", _usr("xz", "-6", "-T1", "-c", "mixed.bin")),
    Program("unxz", "xz-utils", _usr("xz", "-dc", "-T1", "mixed.bin.xz")),
    Program(
        "zstd",
        "zstd",
        _usr("zstd", "-12", "--single-thread", "--no-asyncio", "-q", "-c", "mixed.bin"),
    ),
    Program("brotli", "brotli", _usr("brotli", "-q", "9", "-c", "mixed.bin")),
    Program("lz4", "lz4", _usr("lz4", "-9", "-q", "-c", "mixed.bin")),
    Program("lzop", "lzop", _usr("lzop", "-7", "-c", "-q", "original.txt")),
    # Cryptography.
    Program(
        "openssl-dgst",
        "openssl",
        _usr("openssl", "dgst", "-sha512", *["mixed.bin", "words.txt", "lines.txt"] * 8),
    ),
    Program(
        "openssl-enc",
        "openssl",
        _usr(
            "openssl",
            "enc",
            "-aes-256-cbc",
            "-K",
            "0123456789abcdef" * 4,
            "-iv",
            "fedcba9876543210" * 2,
            "-in",
            "mixed.bin",
        ),
    ),
    Program(
        "openssl-chacha",
        "openssl",
        _usr(
            "openssl",
            "enc",
            "-chacha20",
            "-K",
            "0123456789abcdef" * 4,
            "-iv",
            "fedcba9876543210" * 2,
            "-in",
            "mixed.bin",
        ),
    ),
    # Languages.
    Program(
        "sqlite3",
        "sqlite3",
        lambda c: ["/usr/bin/sqlite3", ":memory:", f".read {c.directory / 't.sql'}"],
        timeout_s=1200,
    ),
    Program("perl", "perl", lambda c: ["/usr/bin/perl", c.workload("hash.pl"), "words.txt"]),
    Program(
        "lua",
        "lua5.4",
        lambda c: ["/usr/bin/lua5.4", str(c.directory / "fibsort.lua")],
        timeout_s=1200,
    ),
    Program(
        "luajit",
        "luajit",
        lambda c: ["/usr/bin/luajit", str(c.directory / "lj.lua")],
        timeout_s=600,
    ),
    Program(
        "luajit-interpreter",
        "luajit",
        lambda c: ["/usr/bin/luajit", "-joff", str(c.directory / "lj.lua")],
        timeout_s=1200,
    ),
    Program(
        "python",
        "python3",
        lambda c: ["/usr/bin/python3", c.workload("rich.script"), c.pick(3, 1)],
        timeout_s=1200,
    ),
    Program(
        "python-library",
        "python3",
        lambda c: ["/usr/bin/python3", "-B", c.script("library.script"), c.pick(6, 1)],
    ),
    Program("tcl", "tcl", lambda c: ["/usr/bin/tclsh", c.script("work.tcl"), c.pick(20, 1)]),
    Program(
        "php", "php-cli", lambda c: ["/usr/bin/php", "-n", c.script("work.php"), c.pick(12, 1)]
    ),
    Program(
        "ruby",
        "ruby",
        lambda c: ["/usr/bin/ruby", c.script("work.rb"), c.pick(16, 1)],
    ),
    Program(
        "ocaml",
        "ocaml-nox",
        lambda c: ["/usr/bin/ocaml", c.script("work.ml"), c.pick(20, 1)],
    ),
    Program(
        "clisp",
        "clisp",
        lambda c: ["/usr/bin/clisp", "-norc", "-q", c.script("work.lisp"), c.pick(20, 1)],
    ),
    Program(
        "jq",
        "jq",
        _usr(
            "jq",
            "-c",
            "group_by(.tags[0])[] | {n: length, w: (map(.nested.weight) | add),"
            " first: .[0].name, t: ([.[].nested.text | length] | add)}",
            "data.json",
        ),
        sample=True,
    ),
    Program(
        "bc",
        "bc",
        lambda c: ["/bin/sh", "-c", f"echo {c.pick(2500, 300)} | bc -l {c.script('pi.bc')}"],
    ),
    Program(
        "dc",
        "dc",
        lambda c: [
            "/usr/bin/dc",
            "-e",
            c.pick("3 20000^ 7 9000^ / d p 97 % p 2k 2 v p", "3 900^ 7 300^ / d p 97 % p 2k 2 v p"),
        ],
    ),
    Program(
        "xmllint",
        "libxml2-utils",
        _usr("xmllint", "--format", "--xpath", "//item[weight > 990]/name", "data.xml"),
    ),
    Program(
        "xsltproc", "xsltproc", lambda c: ["/usr/bin/xsltproc", c.script("items.xsl"), "data.xml"]
    ),
    Program("units", "units", _usr("units", "-t", "1234.5 miles/hour", "furlongs/fortnight")),
    # Compilers and tools.
    Program(
        "cc1",
        "gcc",
        lambda _: [compiler_part("cc1"), "-quiet", "-O2", "big.i", "-o", "-"],
        timeout_s=1200,
    ),
    Program(
        "cc1plus",
        "g++",
        lambda _: [compiler_part("cc1plus"), "-quiet", "-O0", "stl.ii", "-o", "-"],
        timeout_s=1200,
    ),
    Program("gcc", "gcc", _script("/bin/sh", "gcc.sh"), timeout_s=600),
    Program(
        "as-objdump",
        "binutils",
        _script("/bin/sh", "objects.sh"),
    ),
    Program(
        "nasm",
        "nasm",
        lambda c: [
            "/usr/bin/nasm",
            f"-DCOUNT={c.pick(8000, 50)}",
            "-f",
            "bin",
            "-o",
            "/dev/stdout",
            c.script("code.asm"),
        ],
    ),
    Program(
        "bison",
        "bison",
        lambda c: ["/usr/bin/bison", "-o", "/dev/stdout", c.script("grammar.y")],
        status=0,
    ),
    Program(
        "make",
        "make",
        lambda c: ["/usr/bin/make", "-s", "-f", c.script("build.mk"), f"COUNT={c.pick(60, 12)}"],
    ),
    Program("git", "git", _script("/bin/sh", "git.sh")),
    # Shells.
    Program("sh", "dash", _script("/bin/sh", "pipeline.sh"), sample=True),
    Program("bash", "bash", _script("/bin/bash", "features.bash")),
    Program("busybox", "busybox-static", lambda c: ["/bin/busybox", "sh", c.script("busybox.sh")]),
    # Built here: kinds of executables.
    Program(
        "c++-exceptions",
        "g++",
        lambda c: [inputs.program("eh", "eh.cc", "pie"), c.pick(300000, 10000)],
    ),
    Program(
        "c++-static",
        "g++",
        lambda c: [inputs.program("eh", "eh.cc", "static"), c.pick(300000, 10000)],
    ),
    Program("c++-library", "g++", lambda _: [inputs.program("stl", "stl.cc", "pie")]),
    Program(
        "fortran", "gfortran", lambda c: [inputs.fortran("numeric", "numeric.f90"), c.pick(300, 10)]
    ),
    Program(
        "dynamic-loader",
        "libc6-dev",
        lambda c: [
            "/lib64/ld-linux-x86-64.so.2",
            "/usr/bin/sort",
            "--parallel=1",
            "-u",
            "numbers.txt",
        ],
    ),
    Program(
        "static-at-0x400000",
        "gcc",
        lambda c: [inputs.program("nbody", "nbody.c", "static", "-lm"), c.pick(2000000, 50000)],
    ),
    Program(
        "static-pie",
        "gcc",
        lambda c: [
            inputs.program("icall", "icall.c", "static-pie"),
            "r",
            c.pick(50000000, 1000000),
        ],
    ),
    Program(
        "computed-goto",
        "gcc",
        lambda c: [inputs.program("vm", "vm.c", "no-pie", "-DGOTO=1"), c.pick(10000000, 200000)],
    ),
    Program(
        "fork-exec",
        "gcc",
        lambda c: [inputs.program("forkexec", "forkexec.c", "pie"), c.pick(200, 20)],
    ),
    Program(
        "code-rewriting",
        "gcc",
        lambda c: [inputs.program("jitchurn", "jitchurn.c", "pie"), c.pick(20000, 1000)],
    ),
    Program(
        "longjmp",
        "gcc",
        lambda c: [inputs.program("ljmp", "ljmp.c", "pie"), c.pick(3000000, 50000)],
    ),
    Program(
        "memory-functions",
        "gcc",
        lambda c: [inputs.program("memcpyb", "memcpyb.c", "pie"), c.pick(5000000, 100000)],
    ),
)


def context(size: str) -> Context:
    """Makes the inputs of one size and what refers to them."""
    return Context(size, inputs.make(size))


def missing(program: Program, words: list[str]) -> str:
    """What to install before a program can run; empty when it is there."""
    return "" if os.access(words[0], os.X_OK) else f"install the Debian package {program.package}"
