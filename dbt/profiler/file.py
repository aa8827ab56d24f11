"""Profile files: one JSON document, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from dbt.errors import DbtError
from dbt.profiler.model import FORMAT, VERSION, Profile


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
    except ValueError:
        raise ProfileFileError(f"{path}: this is no profile") from None
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise ProfileFileError(f"{path}: this is no profile")
    if tree.get("version") != VERSION:
        raise ProfileFileError(
            f"{path}: a profile of version {tree.get('version')}; this dbt reads version {VERSION}"
        )
    try:
        return Profile.from_dict(tree)
    except (KeyError, TypeError, ValueError):
        raise ProfileFileError(f"{path}: this profile is damaged") from None
