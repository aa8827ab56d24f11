"""gdb on a running `dbt run`: attach, threads, detach, interrupt, kill."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

RUN = (sys.executable, "-m", "dbt", "run")
WAIT_S = 60

# Two threads wait and one computes until a line comes in; each tells that it went on undisturbed.
PROGRAM = r"""
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile int stop;
static void *wait_for_lock(void *p)
{
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    return p;
}
static void *wait_for_pipe(void *p)
{
    char byte;
    return read(*(int *)p, &byte, 1) == 1 ? p : 0;
}
static void *compute(void *p)
{
    unsigned long sum = 0, count = 0;
    while (!stop || count % 1000)
        sum += ++count * 3;
    return sum == count * (count + 1) / 2 * 3 ? p : 0;
}
int main(void)
{
    pthread_t threads[3];
    void *results[3];
    char line[16];
    int pipes[2];
    if (pipe(pipes))
        return 1;
    pthread_mutex_lock(&lock);
    pthread_create(&threads[0], 0, wait_for_lock, &lock);
    pthread_create(&threads[1], 0, wait_for_pipe, &pipes[0]);
    pthread_create(&threads[2], 0, compute, &lock);
    puts("ready");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        return 2;
    stop = 1;
    pthread_mutex_unlock(&lock);
    if (write(pipes[1], "x", 1) != 1)
        return 3;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], &results[i]);
    printf("%d %d %d\n", results[0] != 0, results[1] != 0, results[2] != 0);
    return 7;
}
"""


def may_attach() -> bool:
    """Whether this process may trace one that it did not start."""
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    return os.geteuid() == 0 or not scope.exists() or scope.read_text().strip() == "0"


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is missing"),
    pytest.mark.skipif(not may_attach(), reason="attaching is not allowed here"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("debugged")
    (directory / "debugged.c").write_text(PROGRAM)
    program = directory / "debugged"
    subprocess.run(["gcc", "-O1", "-pthread", "-o", program, directory / "debugged.c"], check=True)
    return program


@pytest.fixture(params=[(), ("--no-chain",)], ids=["chained", "unchained"])
def running(request: pytest.FixtureRequest, program: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*RUN, *request.param, program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.communicate()


def gdb(pid: int, *commands: str) -> str:
    words = ["gdb", "-nx", "-batch", "-p", str(pid)]
    for command in commands:
        words += ["-ex", command]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=WAIT_S, check=False, stdin=subprocess.DEVNULL
    )
    return done.stdout


def finish(process: subprocess.Popen[str]) -> None:
    stdout, stderr = process.communicate("go\n", timeout=WAIT_S)
    assert (process.returncode, stdout, stderr) == (7, "1 1 1\n", "")


def test_gdb_sees_the_threads_and_lets_go(running: subprocess.Popen[str]) -> None:
    for _ in range(3):
        shown = gdb(running.pid, "info threads", "thread apply all info registers rip", "detach")
        assert len(re.findall(r"^\*? +\d+ ", shown, re.MULTILINE)) == 4
        assert len(re.findall(r"^rip +0x", shown, re.MULTILINE)) == 4
        assert "detached" in shown
    finish(running)


def test_gdb_reads_the_guests_memory(running: subprocess.Popen[str]) -> None:
    shown = gdb(running.pid, "info proc mappings", "x/4cb $rsp", "detach")
    assert "/debugged" in shown
    finish(running)


def test_gdb_steps_the_thread_that_computes(running: subprocess.Popen[str]) -> None:
    steps = ["set scheduler-locking on", "thread 4", *["stepi", "p $pc"] * 20]
    shown = gdb(running.pid, *steps, "detach")
    assert len(set(re.findall(r"= .*(0x[0-9a-f]+)", shown))) > 1
    finish(running)


def test_gdb_kills(running: subprocess.Popen[str]) -> None:
    gdb(running.pid, "kill")
    assert running.wait(WAIT_S) == -signal.SIGKILL
    assert not Path(f"/proc/{running.pid}").exists()
