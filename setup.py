"""Build: render the C tables, compile the core, link the VMM executable and the cffi extension.

Everything is compiled with this project's own flags; Python's CFLAGS are never used, because the
core and the VMM are freestanding, and a distribution's additions (a stack protector) break them.
Objects live in build/obj and are rebuilt when a source, an included header or the flags change.

    python setup.py build_ext --inplace     what `make build` runs
    python setup.py build_core --sanitize   the core as a hosted library under ASan and UBSan
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

from setuptools import Command, Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

ROOT = Path(__file__).resolve().parent
CSRC = ROOT / "csrc"
GENERATED = CSRC / "generated"
OBJECTS = ROOT / "build" / "obj"
VMM_NAME = "dbt-vmm"

# Module whose render(output) writes headers, and the inputs that make its output stale.
RENDERERS = {
    "dbt.decoder.render": ("dbt/decoder",),
    "dbt.translator.render": ("dbt/decoder", "dbt/translator", "csrc/core"),
    "dbt.runtime.render": ("dbt/runtime", "csrc/core"),
}

# Headers whose marked blocks cffi parses, in an order in which each finds what it needs.
CDEF_HEADERS = (
    *("core/base.h", "core/decode.h", "core/session.h", "core/record.h", "core/profile.h"),
    *("ext/translate_api.h", "ext/ext.h", "ext/oracle.h"),
)

INCLUDES = ["-I", str(CSRC)]
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wswitch-enum"]
FREESTANDING = [
    *("-std=c11", "-O2", "-g1", *WARNINGS, "-ffreestanding", "-fPIE", "-fno-stack-protector"),
    *("-mgeneral-regs-only", "-fno-asynchronous-unwind-tables", "-fvisibility=hidden"),
    *("-fcf-protection=none", "-fno-strict-aliasing", "-ffunction-sections", "-fdata-sections"),
    # Small copies in place, but no string instructions, and no calls of what libc alone has.
    *("-fbuiltin", "-fno-tree-loop-distribute-patterns"),
    *(
        f"-mmem{what}-strategy=unrolled_loop:128:noalign,libcall:-1:noalign"
        for what in ("cpy", "set")
    ),
    *(f"-ffile-prefix-map={ROOT}/=", "-U_FORTIFY_SOURCE"),
]
VMM_LINK = [
    *("-nostdlib", "-static-pie", "-Wl,-z,noexecstack", "-Wl,--no-dynamic-linker"),
    *("-Wl,-z,separate-code", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,--build-id=sha1"),
    *("-Wl,--gc-sections", "-Wl,-z,max-page-size=4096"),
]
HOSTED = ["-std=gnu11", "-O2", "-g1", "-fPIC", "-fvisibility=hidden", "-fno-strict-aliasing"]
SANITIZED = [
    *("-std=gnu11", "-O1", "-g", "-fPIC", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all"),
    "-fsanitize=address,undefined",
]


class BuildError(SystemExit):
    """A tool failed; the message is what it printed."""


def compiler() -> list[str]:
    """The C compiler's command, from $CC or gcc."""
    return shlex.split(os.environ.get("CC", "gcc"))


def run_tool(command: Sequence[str | Path]) -> None:
    """Runs a build tool from the project root; its output is shown only when it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        raise BuildError(f"setup.py: {words[0]}: not found (a C compiler is needed)") from None
    if done.returncode:
        raise BuildError(f"{shlex.join(words)}\n{done.stdout}{done.stderr}")


def write_if_changed(path: Path, text: str) -> None:
    """Writes a file only when its content differs, so that its dependents are not rebuilt."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def newest(paths: Iterable[str]) -> float:
    """The latest modification time below the given directories, generated files left out."""
    times = [
        file.stat().st_mtime
        for path in paths
        for file in (ROOT / path).rglob("*")
        if file.is_file() and file.suffix in {".py", ".h", ".S", ".s", ".txt", ".rules"}
    ]
    return max(times, default=0.0)


def render_tables(force: bool = False) -> None:
    """Renders every C table whose Python inputs are newer than its stamp.

    An unpacked sdist carries the rendered tables and uses them as they are.
    """
    if (ROOT / "PKG-INFO").exists() and list(GENERATED.glob("*.h")):
        return
    GENERATED.mkdir(parents=True, exist_ok=True)
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    for module_name, inputs in RENDERERS.items():
        stamp = OBJECTS / f"{module_name}.stamp"
        if not force and stamp.exists() and stamp.stat().st_mtime >= newest(inputs):
            continue
        started = newest(inputs)
        importlib.import_module(module_name).render(GENERATED)
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()
        os.utime(stamp, (started, started))


def sources(*directories: str) -> list[Path]:
    """The C and assembly sources of some csrc directories, in a fixed order."""
    return sorted(
        file
        for name in directories
        for file in (CSRC / name).iterdir()
        if file.suffix in {".c", ".S"}
    )


def is_stale(target: Path, dependency_file: Path, command_file: Path, command: str) -> bool:
    """Whether an object must be rebuilt: it, a file it was made from, or its command changed."""
    if not (target.exists() and dependency_file.exists() and command_file.exists()):
        return True
    if command_file.read_text() != command:
        return True
    made = target.stat().st_mtime
    rule = dependency_file.read_text().replace("\\\n", " ").split(": ", 1)[1]
    for name in rule.split("\n\n")[0].split():
        path = ROOT / name.rstrip(":")
        if not path.exists() or path.stat().st_mtime > made:
            return True
    return False


def compile_objects(files: Sequence[Path], flags: Sequence[str], kind: str) -> list[Path]:
    """Compiles sources that changed, a few at a time, and returns all the objects."""

    def compile_one(source: Path) -> Path:
        target = OBJECTS / kind / source.relative_to(ROOT).with_suffix(source.suffix + ".o")
        dependencies, remembered = target.with_suffix(".d"), target.with_suffix(".cmd")
        command = [*compiler(), *flags, *INCLUDES, "-c", str(source.relative_to(ROOT))]
        text = shlex.join(command)
        if is_stale(target, dependencies, remembered, text):
            target.parent.mkdir(parents=True, exist_ok=True)
            run_tool([*command, "-MD", "-MF", dependencies, "-o", target])
            remembered.write_text(text)
        return target

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(pool.map(compile_one, files))


def link(target: Path, objects: Sequence[Path], flags: Sequence[str]) -> None:
    """Links objects into a file when one of them is newer than it, or the set of them changed."""
    remembered = OBJECTS / f"{target.name}.link"
    command = [*compiler(), *flags, "-o", target, *objects]
    text = shlex.join(str(word) for word in command)
    if (
        target.exists()
        and remembered.exists()
        and remembered.read_text() == text
        and all(o.stat().st_mtime <= target.stat().st_mtime for o in objects)
    ):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # Put in place whole and as a new file: programs that run or start meanwhile see the old or the
    # new one, and never a part.
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        run_tool([*compiler(), *flags, "-o", fresh, *objects])
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    remembered.parent.mkdir(parents=True, exist_ok=True)
    remembered.write_text(text)


def hosted_core_sources() -> list[Path]:
    """The core without base.c, whose four functions a hosted build takes from libc."""
    return [source for source in sources("core") if source.name != "base.c"]


def build_vmm(target: Path) -> None:
    """Builds the freestanding static-PIE that hosts one guest process."""
    objects = compile_objects(sources("core", "linux", "vmm"), FREESTANDING, "freestanding")
    link(target, objects, VMM_LINK)


def cdef_text() -> str:
    """The declarations cffi parses: the marked blocks of the headers, in one order."""
    blocks = [
        "typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef uint64_t u64;"
    ]
    blocks.append(
        "typedef int8_t i8; typedef int16_t i16; typedef int32_t i32; typedef int64_t i64;"
    )
    for header in CDEF_HEADERS:
        found = re.findall(
            r"/\* cdef begin \*/\n(.*?)/\* cdef end \*/", (CSRC / header).read_text(), re.DOTALL
        )
        if not found:
            raise BuildError(f"setup.py: csrc/{header}: no cdef block")
        blocks += found
    return "\n".join(blocks)


def build_engine(target: Path) -> None:
    """Builds the cffi extension dbt._engine for the running Python."""
    from cffi import FFI

    ffi = FFI()
    ffi.cdef(cdef_text())
    ffi.set_source("dbt._engine", "\n".join(f'#include "{name}"' for name in CDEF_HEADERS))
    module = GENERATED / "engine_module.c"
    fresh = OBJECTS / "engine_module.c"
    fresh.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.redirect_stdout(io.StringIO()):  # some versions announce what they write
        ffi.emit_c_code(str(fresh))
    write_if_changed(module, fresh.read_text())
    python = ["-I", sysconfig.get_paths()["include"], "-I", sysconfig.get_paths()["platinclude"]]
    kind = f"ext-{sys.implementation.cache_tag}"
    glue = compile_objects([module], [*HOSTED, *python], kind)
    glue += compile_objects(sources("ext"), [*HOSTED, *WARNINGS, *python], kind)
    core = compile_objects(hosted_core_sources(), FREESTANDING, "freestanding")
    flags = ["-shared", "-Wl,-z,noexecstack", "-Wl,--gc-sections", "-Wl,-Bsymbolic"]
    link(target, [*glue, *core], flags)


class BuildNative(build_ext):
    """build_ext that makes the extension and, beside it, the VMM executable."""

    def build_extension(self, ext: Extension) -> None:
        render_tables()
        engine = Path(self.get_ext_fullpath(ext.name))
        build_engine(engine)
        build_vmm(engine.parent / VMM_NAME)

    def copy_extensions_to_source(self) -> None:
        render_tables()
        for ext in self.extensions:
            build_engine(ROOT / "dbt" / Path(self.get_ext_filename(ext.name)).name)
            build_vmm(ROOT / "dbt" / VMM_NAME)

    def run(self) -> None:
        if self.inplace or getattr(self, "editable_mode", False):
            self.copy_extensions_to_source()
        else:
            super().run()

    def get_outputs(self) -> list[str]:
        outputs = list(super().get_outputs())
        return outputs + [str(Path(name).parent / VMM_NAME) for name in outputs]


class BuildCore(Command):
    """Builds the decoder fuzzer: the core and a hosted driver under ASan and UBSan."""

    description = "build the core with libc under the sanitizers (build/asan)"
    user_options: ClassVar = [("sanitize", None, "use ASan and UBSan")]
    boolean_options: ClassVar = ["sanitize"]

    def initialize_options(self) -> None:
        self.sanitize = False

    def finalize_options(self) -> None:
        pass

    def run(self) -> None:
        render_tables()
        # Without -Werror: the sanitizers' rewriting makes GCC warn where there is nothing.
        flags = ["-Wall", "-Wextra", *(SANITIZED if self.sanitize else HOSTED)]
        kind = "asan" if self.sanitize else "hosted"
        driver = [CSRC / "ext" / "port.c", ROOT / "tests" / "fuzz" / "fuzz_decode.c"]
        objects = compile_objects([*hosted_core_sources(), *driver], flags, kind)
        link(ROOT / "build" / kind / "fuzz-decode", objects, flags)


class SourceDistribution(sdist):
    """sdist that carries the rendered tables."""

    def run(self) -> None:
        render_tables(force=True)
        super().run()


setup(
    ext_modules=[Extension("dbt._engine", sources=[])],
    cmdclass={"build_ext": BuildNative, "build_core": BuildCore, "sdist": SourceDistribution},
)
