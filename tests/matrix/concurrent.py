"""Programs of the matrix with threads, handlers, and many processes.

What they print does not depend on which thread or process comes first: outputs are sorted, kept in
order by the program itself, or are those of all together.
"""

from __future__ import annotations

from tests.matrix import inputs
from tests.matrix.program import Program, script, shell, usr

CONCURRENT: tuple[Program, ...] = (
    # Threads.
    Program(
        "sort-parallel",
        "coreutils",
        # sort takes a second thread from 131,072 lines on.
        lambda c: [
            "/usr/bin/sort",
            "--parallel=4",
            "-S",
            "1G",
            *["lines.txt"] * int(c.pick(1, 14)),
        ],
    ),
    Program("zstd-threads", "zstd", usr("zstd", "-T2", "-B524288", "-9", "-q", "-c", "mixed.bin")),
    Program(
        "unzstd-pipeline",
        "zstd",
        shell("/bin/sh", "zstd -T2 -q -c words.txt | zstd -dq -c | sha256sum"),
    ),
    Program(
        "xz-threads",
        "xz-utils",
        usr("xz", "-3", "-T2", "--block-size=65536", "-c", "mixed.bin"),
        sample=True,
    ),
    Program(
        "unxz-threads",
        "xz-utils",
        shell("/bin/sh", "xz -1 -T2 --block-size=65536 -c mixed.bin | xz -dc -T2 | sha256sum"),
    ),
    Program("pigz", "pigz", usr("pigz", "-p2", "-b128", "-nc", "mixed.bin")),
    Program("pbzip2", "pbzip2", usr("pbzip2", "-p2", "-b1", "-c", "mixed.bin")),
    Program(
        "lbzip2", "lbzip2", shell("/bin/sh", "lbzip2 -n2 -c mixed.bin | lbzip2 -n2 -dc | sha256sum")
    ),
    Program(
        "ffmpeg",
        "ffmpeg",
        lambda c: ["/bin/sh", c.script("video.sh"), c.pick(4, 0.2)],
        timeout_s=600,
    ),
    Program(
        "threads",
        "gcc",
        lambda c: [
            inputs.program("threads", "threads.c", "pie", "-pthread"),
            *c.pick("400000 20000 8", "2000 200 4").split(),
        ],
    ),
    Program(
        "thread-starts",
        "gcc",
        lambda c: [
            inputs.program("thrspawn", "thrspawn.c", "pie", "-pthread"),
            *c.pick("2000", "50").split(),
        ],
    ),
    Program(
        "openmp",
        "gcc",
        lambda c: [inputs.program("openmp", "openmp.c", "pie", "-fopenmp"), c.pick(300, 4)],
    ),
    Program(
        "c++-threads",
        "g++",
        lambda c: [inputs.program("async", "async.cc", "pie", "-pthread"), c.pick(200, 8)],
    ),
    Program("ruby-threads", "ruby", lambda c: ["/usr/bin/ruby", c.script("threads.rb")]),
    # Interpreters that start processes and take signals.
    Program("python-subprocess", "python3", script("/usr/bin/python3", "processes.script")),
    Program("python-threads", "python3", script("/usr/bin/python3", "threads.script")),
    Program("perl-fork", "perl", script("/usr/bin/perl", "fork.pl")),
    Program("gawk-coprocess", "gawk", lambda c: ["/usr/bin/gawk", "-f", c.script("coprocess.awk")]),
    Program("expect", "expect", script("/usr/bin/expect", "terminal.exp")),
    # Shells and the programs that run others.
    Program("sh-signals", "dash", script("/bin/sh", "signals.sh"), sample=True),
    Program("bash-jobs", "bash", script("/bin/bash", "jobs.bash")),
    Program("zsh", "zsh", script("/usr/bin/zsh", "features.zsh")),
    Program(
        "xargs-parallel",
        "findutils",
        shell("/bin/sh", "find tree -type f | sort | xargs -P2 -n5 md5sum | sort"),
    ),
    Program(
        "find-exec",
        "findutils",
        shell(
            "/bin/sh",
            "find tree '(' -name '*9.c' -exec wc -c {} ';' ')' -o -name '*.txt' -exec wc -l {} +",
        ),
    ),
    Program(
        "parallel",
        "parallel",
        shell(
            "/bin/sh", "HOME=/tmp parallel --will-cite -k -j2 'echo {}; expr {} + 1' ::: 1 2 3 4"
        ),
    ),
    Program("rsync", "rsync", script("/bin/sh", "rsync.sh")),
    Program(
        "tar-gzip",
        "tar",
        shell(
            "/bin/bash",
            "set -o pipefail; tar -cf - --sort=name --owner=0 --group=0 tree | gzip -n | "
            "tee >(md5sum >&2) | gzip -dc | tar -tf - | sort | tail -30",
        ),
    ),
    # Building and keeping software.
    Program(
        "gcc-driver", "gcc", shell("/bin/sh", "gcc -O2 -g -pipe -S -o - big.c"), timeout_s=1200
    ),
    Program("gcc-lto", "gcc", script("/bin/sh", "lto.sh"), timeout_s=1200),
    Program(
        "make-parallel",
        "make",
        lambda c: [
            *f"/usr/bin/make -j3 -s -Otarget -f {c.script('parallel.mk')}".split(),
            f"COUNT={c.pick(60, 12)}",
        ],
    ),
    Program("git-clone", "git", script("/bin/sh", "clone.sh"), timeout_s=600),
    Program("cmake-ninja", "cmake", script("/bin/sh", "cmake.sh"), timeout_s=1200),
    Program(
        "project",
        "make",
        lambda c: ["/bin/sh", c.script("project.sh"), str(inputs.SCRIPTS / "project")],
        timeout_s=1200,
    ),
    Program(
        "project-debian",
        "dpkg-dev",
        lambda c: ["/bin/sh", c.script("project.sh"), str(inputs.debian_source("hello"))],
        timeout_s=3600,
    ),
    Program("gdb", "gdb", script("/bin/sh", "gdb.sh"), timeout_s=600),
)
