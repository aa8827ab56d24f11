"""`make compare-programs`: a line for each program and guest; exit status 1 when one differs."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.reference.programs import NOT_FOLLOWED, PROGRAMS, compared, guests, input_file

_GUEST_TIMEOUT_S = 600
_ONE_GUEST = (
    "import sys, dbt; v = dbt.compare(sys.argv[3:], oracle=sys.argv[1], every=sys.argv[2], "
    "quiet=True); print(v); sys.exit(not v.equal)"
)


def _programs(oracle: str, names: list[str]) -> Iterator[tuple[str, bool, str]]:
    with tempfile.TemporaryDirectory() as directory:
        file = input_file(Path(directory))
        for program in PROGRAMS:
            if not names or program.name in names:
                verdict = compared(program, oracle, file)
                yield program.name, verdict.equal, f"{verdict} ({verdict.seconds:.0f} s)"


def _guests(oracle: str, names: list[str]) -> Iterator[tuple[str, bool, str]]:
    for guest, command in guests(oracle):
        if names and guest.identity not in names:
            continue
        every = "syscall" if oracle == "hardware" else "tu"
        words = [sys.executable, "-c", _ONE_GUEST, oracle, every, *command]
        try:
            done = subprocess.run(
                words, capture_output=True, text=True, timeout=_GUEST_TIMEOUT_S, input=""
            )
        except subprocess.TimeoutExpired:
            yield guest.identity, False, f"not done after {_GUEST_TIMEOUT_S} s"
            continue
        text = done.stdout.strip() or done.stderr.strip()[-300:]
        is_excused = guest.identity in NOT_FOLLOWED[oracle] and "different" in text
        yield guest.identity, done.returncode == 0 or is_excused, text


def main() -> int:
    """Compares all, or those that are named; answers the exit status."""
    parser = argparse.ArgumentParser(prog="tests.reference", description=__doc__)
    parser.add_argument("--oracle", choices=("unicorn", "hardware"))
    parser.add_argument("names", nargs="*", help="of programs and guests; none: all")
    given = parser.parse_args()
    # Guests raise them, and a job in the background would ignore them.
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    wrong = 0
    for oracle in [given.oracle] if given.oracle else ["unicorn", "hardware"]:
        for table in (_guests, _programs):
            for name, is_right, text in table(oracle, given.names):
                wrong += not is_right
                mark = "" if is_right else "WRONG "
                print(f"{mark}{name}: {text if not is_right else text.splitlines()[0]}", flush=True)
    print(f"{wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
