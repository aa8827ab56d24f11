"""The program matrix: what to run, and which Debian package each program comes from.

`tests.matrix.concurrent` has the programs with threads and many processes.
"""

from __future__ import annotations

from pathlib import Path

from tests.matrix import inputs
from tests.matrix.concurrent import CONCURRENT
from tests.matrix.program import Program, compiler_part, script, shell, usr

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
        "sha256sum", "coreutils", usr("sha256sum", *["mixed.bin", "words.txt", "lines.txt"] * 8)
    ),
    Program("b2sum", "coreutils", usr("b2sum", *["mixed.bin", "words.txt", "lines.txt"] * 8)),
    Program("sort", "coreutils", usr("sort", "--parallel=1", "lines.txt"), sample=True),
    Program("sort-numeric", "coreutils", usr("sort", "--parallel=1", "-k2n", "-k1r", "lines.txt")),
    Program(
        "grep",
        "grep",
        usr("grep", "-nE", "(der|quax_)[a-z]*(sun|lo) .*(el|ka)[a-z]*$", "words.txt"),
        sample=True,
    ),
    Program(
        "grep-perl",
        "grep",
        usr("grep", "-cP", r"(?<=der)(qua|lo)\w*\b.*(?!\1)ist\w{3,}", "words.txt"),
    ),
    Program(
        "sed",
        "sed",
        usr("sed", "-E", r"s/([a-z]+)_([a-z]+)/\2-\1/g; /define/!d; y/abc/xyz/", "words.txt"),
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
        usr("diff", "-u", "--label=a", "--label=b", "original.txt", "changed.txt"),
        status=1,
    ),
    Program(
        "patch",
        "patch",
        shell("/bin/sh", "diff original.txt changed.txt | patch -o - original.txt | md5sum"),
    ),
    Program(
        "wc-tr-od",
        "coreutils",
        script("/bin/sh", "text.sh"),
    ),
    Program("factor", "coreutils", usr("factor"), input_file="numbers.txt"),
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
    Program("groff", "groff-base", usr("groff", "-man", "-Tutf8", "page.groff"), timeout_s=600),
    Program("xxd", "xxd", usr("xxd", "mixed.bin")),
    # Archives and compression.
    Program(
        "tar",
        "tar",
        usr(
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
        "tar-list", "tar", shell("/bin/sh", "tar -czf - --sort=name tree | tar -tvzf - | sort")
    ),
    Program("gzip", "gzip", usr("gzip", "-9nc", "mixed.bin")),
    Program("gunzip", "gzip", usr("gzip", "-dc", "mixed.bin.gz")),
    Program("bzip2", "bzip2", usr("bzip2", "-9c", "mixed.bin"), sample=True),
    Program("bunzip2", "bzip2", usr("bzip2", "-dc", "mixed.bin.bz2")),
    Program("xz", "xz-utils", usr("xz", "-6", "-T1", "-c", "mixed.bin")),
    Program("unxz", "xz-utils", usr("xz", "-dc", "-T1", "mixed.bin.xz")),
    Program(
        "zstd",
        "zstd",
        usr("zstd", "-12", "--single-thread", "--no-asyncio", "-q", "-c", "mixed.bin"),
    ),
    Program("brotli", "brotli", usr("brotli", "-q", "9", "-c", "mixed.bin")),
    Program("lz4", "lz4", usr("lz4", "-9", "-q", "-c", "mixed.bin")),
    Program("lzop", "lzop", usr("lzop", "-7", "-c", "-q", "original.txt")),
    # Cryptography.
    Program(
        "openssl-dgst",
        "openssl",
        usr("openssl", "dgst", "-sha512", *["mixed.bin", "words.txt", "lines.txt"] * 8),
    ),
    Program(
        "openssl-enc",
        "openssl",
        usr(
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
        usr(
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
        usr(
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
        usr("xmllint", "--format", "--xpath", "//item[weight > 990]/name", "data.xml"),
    ),
    Program(
        "xsltproc", "xsltproc", lambda c: ["/usr/bin/xsltproc", c.script("items.xsl"), "data.xml"]
    ),
    Program("units", "units", usr("units", "-t", "1234.5 miles/hour", "furlongs/fortnight")),
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
    Program("gcc", "gcc", script("/bin/sh", "gcc.sh"), timeout_s=600),
    Program(
        "as-objdump",
        "binutils",
        script("/bin/sh", "objects.sh"),
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
    Program("git", "git", script("/bin/sh", "git.sh")),
    # Shells.
    Program("sh", "dash", script("/bin/sh", "pipeline.sh"), sample=True),
    Program("bash", "bash", script("/bin/bash", "features.bash")),
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
    *CONCURRENT,
)
