"""The errors a caller can meet; each knows the exit status the command line gives it."""

from __future__ import annotations


class DbtError(Exception):
    """Something dbt was asked for could not be done; the message is one line."""

    exit_status = 1


class UsageError(DbtError):
    """An argument or option is wrong."""

    exit_status = 2


class LaunchError(DbtError):
    """dbt itself could not start the program (the convention of env(1))."""

    exit_status = 125


class NotExecutableError(DbtError):
    """The program was found but cannot be run (the convention of sh(1))."""

    exit_status = 126


class ProgramNotFoundError(DbtError):
    """There is no such program (the convention of sh(1))."""

    exit_status = 127


class InvalidInstructionError(DbtError):
    """The bytes are no instruction: the processor would raise #UD."""


class TruncatedInstructionError(DbtError):
    """The bytes end before the instruction does."""


class NoRoomError(DbtError):
    """The room given to a function of the core does not suffice."""


class OutOfMemoryError(DbtError):
    """The core could not get memory."""


class NotMappedError(DbtError):
    """There is no guest memory at an address, or none that may be executed."""


class ArgumentError(DbtError):
    """A value handed to the core is out of its range."""

    exit_status = 2


class UnsupportedError(DbtError):
    """Something is not supported; the message names it."""


class MachineError(DbtError):
    """A Machine refused a request, or its process has ended."""


class AssemblyError(DbtError):
    """Assembly text could not be assembled, or not as it was meant."""
