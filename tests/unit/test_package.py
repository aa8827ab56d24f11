"""What is shipped: the sdist carries the rendered tables and builds with gcc and Python alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def setup(directory: Path, *words: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "setup.py", "--quiet", *words],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def sdist(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked sdist."""
    where = tmp_path_factory.mktemp("sdist")
    setup(root, "egg_info", "--egg-base", str(where), "sdist", "--dist-dir", str(where))
    (archive,) = where.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(where)
    return where / archive.name.removesuffix(".tar.gz")


def test_the_sdist_holds_sources_and_rendered_tables(sdist: Path) -> None:
    files = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()}
    wanted = ["LICENSE", "README.md", "csrc/core/session.h", "csrc/vmm/start.S", "guests/hello.S"]
    wanted += ["csrc/generated/decode_tables.h", "csrc/generated/translate_tables.h"]
    assert files >= set(wanted)
    assert [name for name in files if name.endswith((".so", ".o", ".pyc", "dbt-vmm"))] == []


def test_a_wheel_from_the_sdist_runs_programs(sdist: Path, tmp_path: Path) -> None:
    """The rendered tables are used as they are: no renderer is there."""
    for package in ("decoder", "translator", "runtime"):
        (sdist / "dbt" / package / "render.py").unlink()
    setup(sdist, "bdist_wheel", "--dist-dir", str(tmp_path))
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        vmm = archive.getinfo("dbt/dbt-vmm")
        assert vmm.external_attr >> 16 & 0o111 == 0o111
        archive.extractall(tmp_path / "site")
    (tmp_path / "site" / "dbt" / "dbt-vmm").chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "dbt", "run", "/bin/echo", "from a wheel"],
        cwd=tmp_path / "site",
        env={"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("from a wheel\n", "", 0)
