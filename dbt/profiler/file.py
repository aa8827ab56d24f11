"""Profile files: one JSON document, written whole or not at all."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path

from dbt.errors import DbtError
from dbt.profiler.model import FORMAT, VERSION, Profile
from dbt.profiler.tree import TreeError, read


class ProfileFileError(DbtError):
    """A profile's file cannot be written, or what was read is no profile."""


def save(profile: Profile, path: str | Path) -> None:
    """Writes a profile; a file that was there before is replaced once the new one is whole.

    Args:
        profile: what to write.
        path: where to.

    Raises:
        ProfileFileError: it cannot be written there; nothing is left behind.
    """
    target = Path(path)
    text = json.dumps(profile.to_dict(), separators=(",", ":"))
    try:
        if target.exists() and not target.is_file():
            target.write_text(text)  # a device or a pipe
            return
        _replace(target, text)
    except OSError as error:
        raise ProfileFileError(f"{target}: the profile was not written: {error.strerror}") from None


def _replace(target: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(descriptor, "w") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def load(path: str | Path) -> Profile:
    """Reads a profile.

    Raises:
        ProfileFileError: the file cannot be read, or it is no profile of this version.
    """
    try:
        tree = json.loads(Path(path).read_text())
    except OSError as error:
        raise ProfileFileError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise ProfileFileError(f"{path}: this is no profile") from None
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise ProfileFileError(f"{path}: this is no profile")
    version = tree.get("version")
    if type(version) is int and version != VERSION:
        raise ProfileFileError(
            f"{path}: a profile of version {version}; this dbt reads version {VERSION}"
        )
    try:
        profile = read(Profile, tree)
        _check_references(profile)
    except TreeError as error:
        raise ProfileFileError(f"{path}: this profile is damaged: {error}") from None
    return profile


def _check_references(profile: Profile) -> None:
    """Refuses what a schema cannot tell: places in other lists, addresses, code."""
    for number, call in enumerate(profile.calls):
        for name, place in (("caller", call.caller), ("callee", call.callee)):
            if not 0 <= place < len(profile.functions):
                raise TreeError("is no place in functions", f"calls[{number}].{name}")
        if call.calls < 1:
            raise TreeError("is no number of calls", f"calls[{number}].calls")
    for number, unit in enumerate(profile.units):
        if unit.pc < 0:
            raise TreeError("is no address", f"units[{number}].pc")
        if re.fullmatch("([0-9a-f]{2})*", unit.code) is None:
            raise TreeError("is no code", f"units[{number}].code")
    for number, host in enumerate(profile.host_code):
        names = range(len(host.names))
        if any(name not in names for *_, name in host.blocks):
            raise TreeError("name functions that are not there", f"host_code[{number}].blocks")
