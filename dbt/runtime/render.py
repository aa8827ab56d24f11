"""Renders csrc/generated/syscall_tables.h from the system call table.

The header holds what csrc/linux/syscalls.c and csrc/linux/outputs.c look at for every call: how it
is treated and which memory the kernel will write. Only the standard library is used, so that the
build needs nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dbt.runtime.syscalls import Output, Size, Treatment, table

__all__ = ["render"]


def _lines() -> list[str]:
    calls = table()
    count = calls[-1].number + 1
    outputs: list[Output] = []
    virtual = [call for call in calls if call.treatment is Treatment.VIRTUAL]
    lines = [
        "/* Rendered from dbt/runtime/syscalls.py by dbt.runtime.render; do not edit. */",
        "#ifndef DBT_GENERATED_SYSCALL_TABLES_H",
        "#define DBT_GENERATED_SYSCALL_TABLES_H",
        "",
        '#include "core/base.h"',
        "",
        f"#define DBT_SYSCALL_COUNT {count}",
    ]
    lines += [f"#define DBT_SYSCALL_{kind.name} {kind.value}" for kind in Treatment]
    lines += [f"#define DBT_OUTPUT_{size.name} {size.value}" for size in Size]
    lines += ["", "typedef enum dbt_call {", "    DBT_CALL_NONE = 0,"]
    lines += [f"    DBT_CALL_{c.name.upper()} = {n}," for n, c in enumerate(virtual, 1)]
    lines += [
        "} dbt_call;",
        "",
        "/* detail: the errno of a refused call, the dbt_call of a virtual one. */",
        "typedef struct dbt_syscall_row {",
        "    u8 treatment;",
        "    u8 output_count;",
        "    u8 detail;",
        "    u8 descriptors; /* bit set of arguments */",
        "    u8 sleeps;      /* a signal can end it */",
        "    u16 output_first;",
        "} dbt_syscall_row;",
        "",
        "typedef struct dbt_output_row {",
        "    u8 argument;",
        "    u8 size;",
        "    u8 other;",
        "    u16 scale_bytes;",
        "} dbt_output_row;",
        "",
        f"static const dbt_syscall_row dbt_syscall_rows[{count}] = {{",
    ]
    numbers = {call.name: n for n, call in enumerate(virtual, 1)}
    known = {call.number: call for call in calls}
    for number in range(count):
        call = known.get(number)
        if call is None:
            lines.append(f"    [{number}] = {{DBT_SYSCALL_REFUSE, 0, 38, 0, 0, 0}},")
            continue
        detail = call.error or numbers.get(call.name, 0)
        treatment = f"DBT_SYSCALL_{call.treatment.name}"
        kept = f"{detail}, {call.descriptors}, {int(call.sleeps)}, {len(outputs)}"
        row = f"{treatment}, {len(call.outputs)}, {kept}"
        lines.append(f"    [{number}] = {{{row}}}, /* {call.name} */")
        outputs.extend(call.outputs)
    lines += ["};", "", f"static const dbt_output_row dbt_output_rows[{len(outputs)}] = {{"]
    lines += [
        f"    {{{o.argument}, DBT_OUTPUT_{o.size.name}, {o.other}, {o.scale_bytes}}},"
        for o in outputs
    ]
    lines += ["};", "", "#endif"]
    return lines


def render(output: Path) -> None:
    """Write syscall_tables.h into a directory, only when its content changed.

    Args:
        output: the directory of generated headers; made when missing.

    Raises:
        OSError: the directory or file cannot be written.
    """
    output.mkdir(parents=True, exist_ok=True)
    path = output / "syscall_tables.h"
    text = "\n".join(_lines()) + "\n"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


if __name__ == "__main__":
    render(Path(sys.argv[1]))
