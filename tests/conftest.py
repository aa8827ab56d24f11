"""What all tests share: the option that rewrites golden files, and where things lie."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite the golden files from what is emitted now, instead of comparing",
    )


def pytest_configure() -> None:
    """Whoever runs the tests may ignore signals (nohup, a job); programs here must not."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGTSTP):
        if signal.getsignal(number) == signal.SIG_IGN:
            python_own = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, python_own)


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root."""
    return ROOT


@pytest.fixture(scope="session")
def vmm() -> Path:
    """The VMM executable of the package under test."""
    from dbt.runtime.launch import VMM_PATH

    return Path(VMM_PATH)
