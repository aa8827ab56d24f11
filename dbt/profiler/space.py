"""The arenas of a session's programs, for a profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dbt.profiler.collect import Image
from dbt.profiler.model import Arena

if TYPE_CHECKING:
    from dbt.runtime.session import Session


def arenas_of_programs(session: Session, images: Sequence[Image]) -> Iterator[Arena]:
    """The arenas of every program, in the order they started: at its end, or now.

    Args:
        session: of the programs.
        images: the programs, for those with a path that a slab has no room for.
    """
    last_paths = {image.pid: image.path for image in images}
    for program in session.programs():
        path = program.path or last_paths.get(program.pid, "")
        for arena in program.arenas:
            yield Arena(pid=program.pid, path=path, **vars(arena))
