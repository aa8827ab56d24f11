"""Profiles are judged by their figures: the modes that these tests are run in are their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbt.tcache.settings import VARIABLES
from tests.profile.programs import HOT, compile_program


@pytest.fixture(autouse=True, scope="package")
def usual_settings() -> Iterator[None]:
    """Takes the variables away that `make modes` sets for a whole run."""
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a program."""
    path = tmp_path_factory.mktemp("directory")
    compile_program(path, "program", HOT)
    return path
