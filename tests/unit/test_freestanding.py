"""The freestanding contract: the core needs no libc, no TLS, no writable data and no relocations,
and the VMM is a static-PIE that leaves the guest's low addresses free."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

GCC_MAY_CALL = {"memcpy", "memmove", "memset", "memcmp"}
R_X86_64_64 = 1
R_X86_64_RELATIVE = 8


def objects(root: Path, directory: str) -> list[Path]:
    """The objects that `make build` made from a directory's present sources."""
    sources = [f for f in (root / "csrc" / directory).iterdir() if f.suffix in {".c", ".S"}]
    folder = root / "build" / "obj" / "freestanding" / "csrc" / directory
    found = [folder / f"{source.name}.o" for source in sources]
    if not all(path.exists() for path in found):
        pytest.skip("the objects are not here: this is not a tree that `make build` built")
    return found


def symbols(path: Path, *options: str) -> set[str]:
    output = subprocess.check_output(["nm", *options, path], text=True)
    return {line.split()[-1] for line in output.splitlines()}


def test_core_calls_nothing_but_its_port(root: Path) -> None:
    core = objects(root, "core")
    undefined = set().union(*(symbols(path, "--undefined-only") for path in core))
    defined = set().union(*(symbols(path, "--defined-only", "--extern-only") for path in core))
    header = (root / "csrc" / "core" / "port.h").read_text()
    port = {"dbt_fatal", *re.findall(r"^\w+ (dbt_port_\w+)\(", header, re.MULTILINE)}
    assert undefined - defined <= GCC_MAY_CALL | port | {"_GLOBAL_OFFSET_TABLE_"}


def test_vmm_has_no_undefined_symbol(vmm: Path) -> None:
    assert symbols(vmm, "--undefined-only") == set()


@pytest.mark.parametrize("directory", ["core", "linux", "vmm"])
def test_compiled_code_never_uses_fs(root: Path, directory: str) -> None:
    """fs is the guest's TLS; only assembly that says so may touch it."""
    for path in objects(root, directory):
        if path.name.endswith(".S.o"):
            continue
        code = subprocess.check_output(["objdump", "-d", "--no-show-raw-insn", path], text=True)
        found = re.search(r"^.*%fs:.*$", code, re.MULTILINE)
        assert found is None, f"{path.name}: {found and found[0].strip()}"


@pytest.mark.parametrize("directory", ["core", "linux", "vmm"])
def test_compiled_code_uses_no_vector_register(root: Path, directory: str) -> None:
    """Entering from the TC saves none, so the guest's would be lost."""
    for path in objects(root, directory):
        if path.name.endswith(".S.o"):
            continue
        code = subprocess.check_output(["objdump", "-d", "--no-show-raw-insn", path], text=True)
        found = re.search(r"^.*%([xyz]mm|st\b|mm[0-7]|k[1-7]).*$", code, re.MULTILINE)
        assert found is None, f"{path.name}: {found and found[0].strip()}"


def test_core_has_no_writable_data(root: Path) -> None:
    for path in objects(root, "core"):
        with path.open("rb") as file:
            writable = [
                section.name
                for section in ELFFile(file).iter_sections()
                if section["sh_flags"] & SH_FLAGS.SHF_WRITE
                and section["sh_flags"] & SH_FLAGS.SHF_ALLOC
                and section["sh_size"]
            ]
        assert writable == [], path.name


def test_core_tables_hold_no_pointers(root: Path) -> None:
    """An absolute address in a table would need relocating at start."""
    for path in objects(root, "core"):
        with path.open("rb") as file:
            elf = ELFFile(file)
            for section in elf.iter_sections():
                if not isinstance(section, RelocationSection):
                    continue
                target = elf.get_section(section["sh_info"])
                if not target["sh_flags"] & SH_FLAGS.SHF_ALLOC:
                    continue
                kinds = {entry["r_info_type"] for entry in section.iter_relocations()}
                assert R_X86_64_64 not in kinds, f"{path.name}: {target.name}"


def test_vmm_is_a_static_pie(vmm: Path) -> None:
    with vmm.open("rb") as file:
        elf = ELFFile(file)
        segments = list(elf.iter_segments())
        assert elf["e_type"] == "ET_DYN"
        kinds = {segment["p_type"] for segment in segments}
        assert "PT_INTERP" not in kinds
        assert "PT_TLS" not in kinds
        # Linked at 0: the kernel chooses a place, far from a guest's low addresses.
        assert min(s["p_vaddr"] for s in segments if s["p_type"] == "PT_LOAD") == 0
        for segment in segments:
            if segment["p_type"] in ("PT_LOAD", "PT_GNU_STACK"):
                assert segment["p_flags"] & 3 != 3, "a segment is writable and executable"


def test_vmm_needs_no_relocation_it_does_not_do(vmm: Path) -> None:
    with vmm.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if isinstance(section, RelocationSection):
                kinds = {entry["r_info_type"] for entry in section.iter_relocations()}
                assert kinds <= {R_X86_64_RELATIVE}, section.name
