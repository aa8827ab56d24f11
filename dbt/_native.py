"""The only importer of the cffi extension; turns status codes into exceptions."""

from __future__ import annotations

from typing import Any

from dbt.errors import (
    ArgumentError,
    DbtError,
    InvalidInstructionError,
    LaunchError,
    NoRoomError,
    NotMappedError,
    OutOfMemoryError,
    TruncatedInstructionError,
    UnsupportedError,
)

try:
    from dbt import _engine
except ImportError as error:  # pragma: no cover - needs a broken installation
    raise LaunchError(f"the extension dbt._engine cannot be loaded: {error}") from None

ffi: Any = _engine.ffi
lib: Any = _engine.lib

_ERRORS: dict[int, type[DbtError]] = {
    lib.DBT_ERROR_INVALID: InvalidInstructionError,
    lib.DBT_ERROR_TRUNCATED: TruncatedInstructionError,
    lib.DBT_ERROR_FULL: NoRoomError,
    lib.DBT_ERROR_MEMORY: OutOfMemoryError,
    lib.DBT_ERROR_NOT_MAPPED: NotMappedError,
    lib.DBT_ERROR_ARGUMENT: ArgumentError,
    lib.DBT_ERROR_UNSUPPORTED: UnsupportedError,
}


def check(status: int, what: str) -> None:
    """Raises the exception that belongs to a status other than DBT_OK.

    Args:
        status: a dbt_status, as a function of the core answered it.
        what: the subject of the message: what was being done, to which bytes or address.

    Raises:
        DbtError: the subclass that names the status (csrc/core/base.h).
    """
    if status == lib.DBT_OK:
        return
    error = _ERRORS.get(status)
    if error is None:
        raise DbtError(f"{what}: unknown status {status}")
    raise error(f"{what}: {(error.__doc__ or '').splitlines()[0].rstrip('.')}")
