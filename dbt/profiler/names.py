"""From guest addresses to names: one `ObjectFile` for each file, opened when it is first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dbt.profiler.symbols import Function, Line, ObjectFile

if TYPE_CHECKING:
    from dbt.profiler.collect import Image, Mapping, Spot

UNKNOWN = "[unknown]"
NO_FILE = "[no file]"


class Place(NamedTuple):
    """Where a guest address lies.

    Attributes:
        module: path of the file; empty for code in no file.
        offset: in the file; the guest address where there is none.
        function: its name, or one that says what is known.
        start: the function's address in the file as it was linked; 0 where there is none.
    """

    module: str
    offset: int
    function: str
    start: int


class Names:
    """Names of addresses; answers are kept."""

    def __init__(self) -> None:
        self._files: dict[str, ObjectFile] = {}
        self._functions: dict[tuple[str, int], Function | None] = {}
        self._lines: dict[tuple[str, int], Line | None] = {}

    def file(self, path: str) -> ObjectFile:
        """The file behind a path."""
        if path not in self._files:
            self._files[path] = ObjectFile(path)
        return self._files[path]

    def place(self, mapping: Mapping | None, pc: int) -> Place:
        """Where a guest address lies.

        Args:
            mapping: that holds it, or None.
            pc: guest address.
        """
        if pc == 0:
            return Place("", 0, UNKNOWN, 0)
        if mapping is None:
            return Place("", pc, NO_FILE, 0)
        offset = pc - mapping.start + mapping.offset
        key = (mapping.path, offset)
        if key not in self._functions:
            self._functions[key] = (
                self.file(mapping.path).function(offset) if mapping.path.startswith("/") else None
            )
        function = self._functions[key]
        if function is None:
            return Place(mapping.path, offset, mapping.path.rpartition("/")[2], 0)
        return Place(mapping.path, offset, function.name, function.start)

    def line(self, mapping: Mapping | None, pc: int) -> Line | None:
        """The source line of a guest address, where debug information tells it."""
        if mapping is None or not mapping.path.startswith("/"):
            return None
        key = (mapping.path, pc - mapping.start + mapping.offset)
        if key not in self._lines:
            self._lines[key] = self.file(mapping.path).line(key[1])
        return self._lines[key]

    def frames(self, image: Image, spot: Spot) -> tuple[str, ...]:
        """The stack of a spot, outermost first: program, callers, function, and the VMM's part.

        Return addresses count as long as a call stands before each: a program that keeps no frame
        pointers has something else in that register.
        """
        frames = []
        for caller in spot.callers:
            mapping = image.mapping_at(caller - 1)
            if mapping is None or not mapping.path.startswith("/"):
                break
            if not self.file(mapping.path).follows_call(caller - mapping.start + mapping.offset):
                break
            frames.append(self.place(mapping, caller - 1).function)
        frames.append(image.path.rpartition("/")[2] or f"process {image.pid}")
        frames.reverse()
        frames.append(self.place(image.mapping_at(spot.pc), spot.pc).function)
        if spot.place == "kernel":
            frames.append(f"[kernel: {_call_name(spot.syscall)}]")
        elif spot.place in ("translate", "vmm"):
            frames.append("[translating]" if spot.place == "translate" else "[dispatching]")
        return tuple(frames)


def _call_name(number: int | None) -> str:
    from dbt.runtime.syscalls import table

    global _call_names
    if not _call_names:
        _call_names = {call.number: call.name for call in table()}
    return _call_names.get(-1 if number is None else number, f"call {number}")


_call_names: dict[int, str] = {}
