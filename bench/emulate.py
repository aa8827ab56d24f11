"""Runs a static program without a C library under Unicorn: the peer that is no Linux by itself.

    python -m bench.emulate PROGRAM

It knows the few system calls that the bare programs of bench/suite.py make.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

_PAGE = 4096
_STACK, _STACK_BYTES = 0x7FFF_0000_0000, 1 << 20
_WRITE, _GETPID, _EXIT_GROUP = 1, 39, 231


def emulate(path: str) -> int:
    """Runs the program to its end.

    Args:
        path: of the executable.

    Returns:
        Its exit status.

    Raises:
        ValueError: it makes a system call that is not known here.
    """
    from elftools.elf.elffile import ELFFile
    from unicorn import x86_const as x86

    unicorn: Any = importlib.import_module("unicorn")  # it has no types
    machine: Any = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
    machine.mem_map(_STACK, _STACK_BYTES)
    with open(path, "rb") as file:
        elf = ELFFile(file)
        entry = elf["e_entry"]
        for segment in elf.iter_segments():
            if segment["p_type"] == "PT_LOAD":
                start = segment["p_vaddr"] & -_PAGE
                end = segment["p_vaddr"] + segment["p_memsz"] + _PAGE - 1 & -_PAGE
                machine.mem_map(start, end - start)
                machine.mem_write(segment["p_vaddr"], segment.data())
    status: list[int] = []

    def call(_machine: Any, _data: Any) -> None:
        number = machine.reg_read(x86.UC_X86_REG_RAX)
        if number == _WRITE:
            machine.reg_write(x86.UC_X86_REG_RAX, machine.reg_read(x86.UC_X86_REG_RDX))
        elif number == _GETPID:
            machine.reg_write(x86.UC_X86_REG_RAX, os.getpid())
        elif number == _EXIT_GROUP:
            status.append(machine.reg_read(x86.UC_X86_REG_RDI))
            machine.emu_stop()
        else:
            raise ValueError(f"system call {number}")

    machine.hook_add(unicorn.UC_HOOK_INSN, call, None, 1, 0, x86.UC_X86_INS_SYSCALL)
    machine.reg_write(x86.UC_X86_REG_RSP, _STACK + _STACK_BYTES - _PAGE)
    machine.emu_start(entry, 0)
    return status[0]


if __name__ == "__main__":
    sys.exit(emulate(sys.argv[1]))
