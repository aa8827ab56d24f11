"""redis-server under redis-benchmark: one thread that serves, children that save."""

from __future__ import annotations

import csv
import time
from pathlib import Path

from tests.servers.base import Complaint, Load, Rate, Runner, Server, native

SERVER = "/usr/bin/redis-server"
BENCHMARK = "/usr/bin/redis-benchmark"
CLIENT = "/usr/bin/redis-cli"
KEYS = 2000

#: What Redis marks as a warning in every run.
EXPECTED = (
    "Redis is starting",
    "Redis version",
    "Configuration loaded",
    "Server initialized",
    "WARNING",  # on the kernel's settings
    "Received SIGTERM",
    "User requested shutdown",
    "is now ready to exit",
)


class Redis(Server):
    """Redis on a Unix socket, with an append-only file, saving in the background."""

    name = "redis"
    needs = (
        (SERVER, "redis-server"),
        (BENCHMARK, "redis-tools"),
        (CLIENT, "redis-tools"),
    )

    def __init__(self, directory: Path, runner: Runner) -> None:
        super().__init__(directory, runner)
        self.socket = directory / "socket"
        self.incremented = 0
        self.digest = ""

    def command(self) -> list[str]:
        """Everything is persistent; nothing is saved but when asked."""
        return self._command(self.socket)

    def _command(self, socket: Path) -> list[str]:
        return [
            *(SERVER, "--port", "0", "--unixsocket", str(socket), "--dir", str(self.directory)),
            *("--save", "", "--appendonly", "yes", "--appendfsync", "everysec"),
            *("--enable-debug-command", "yes"),
        ]

    def is_ready(self) -> bool:
        try:
            return self.ask("PING") == "PONG"
        except Complaint:
            return False

    def start(self) -> None:
        super().start()
        pairs = [word for number in range(KEYS) for word in (f"known:{number}", value(number))]
        if self.ask("MSET", *pairs) != "OK":
            raise Complaint("MSET was not answered by OK")

    def loads(self) -> tuple[Load, ...]:
        return (
            Load("50 connections", lambda s: self._bench(s, "set,get,incr,lpush,lpop")),
            Load("pipelines of 16", lambda s: self._bench(4 * s, "set,get,incr", "-P", "16")),
            Load("new connections", lambda s: self._bench(s / 4, "ping_inline", "-k", "0")),
            Load("while saving", self._while_saving),
        )

    def verify(self) -> None:
        answers = self.ask("MGET", *(f"known:{number}" for number in range(KEYS))).split("\n")
        if answers != [value(number) for number in range(KEYS)]:
            raise Complaint("a key has not the value that was set")
        counted = self.ask("GET", "counter:__rand_int__")
        if (counted or "0") != str(self.incremented):
            raise Complaint(f"INCR counted {counted} instead of {self.incremented}")
        if self.ask("DBSIZE") != self.ask("EVAL", "return #redis.call('KEYS','*')", "0"):
            raise Complaint("DBSIZE is not the number of keys")
        self.digest = self.ask("DEBUG", "DIGEST")

    def verify_stopped(self) -> None:
        """A native server reads the files and has the same data."""
        native(["/usr/bin/redis-check-rdb", str(self.directory / "dump.rdb")])
        reader = Redis(self.directory, Runner(translated=False))
        reader.log = self.directory / "reader.log"
        try:
            Server.start(reader)
            if reader.ask("DEBUG", "DIGEST") != self.digest:
                raise Complaint("the append-only file has not the data that the server had")
            reader.stop()
        finally:
            reader.kill()

    def is_bad_line(self, line: str) -> bool:
        """Redis marks warnings by #; all but those on the host's settings count."""
        marked = " # " in line and not any(words in line for words in EXPECTED)
        return super().is_bad_line(line) or marked

    def ask(self, *words: str) -> str:
        """What the server answers to a command."""
        return native([CLIENT, "-s", str(self.socket), *words]).rstrip("\n")

    def _bench(self, seconds: float, tests: str, *more: str) -> Rate:
        requests = max(int(20_000 * seconds), 500)
        output = native(
            [
                *(BENCHMARK, "-s", str(self.socket), "-c", "50", "-n", str(requests), "--csv"),
                *("-t", tests, *more),
            ]
        )
        rows = list(csv.DictReader(output.splitlines()))
        if len(rows) != len(tests.split(",")):
            raise Complaint(f"redis-benchmark: {output[-300:]}")
        self.incremented += requests if "incr" in tests else 0
        return Rate(requests * len(rows), sum(requests / float(row["rps"]) for row in rows))

    def _while_saving(self, seconds: float) -> Rate:
        """A child forked from the warm server writes the data while the parent goes on."""
        before = int(self.ask("LASTSAVE"))
        self.ask("DEBUG", "POPULATE", "20000")
        time.sleep(max(0.0, before + 1.1 - time.time()))  # LASTSAVE counts seconds
        self.ask("BGSAVE")
        rate = self._bench(seconds, "set,get")
        self._settled("rdb_bgsave_in_progress:0", "rdb_last_bgsave_status:ok")
        if int(self.ask("LASTSAVE")) <= before:
            raise Complaint("BGSAVE saved nothing")
        self.ask("BGREWRITEAOF")
        self._settled("aof_rewrite_in_progress:0", "aof_last_bgrewrite_status:ok")
        return rate

    def _settled(self, done: str, good: str) -> None:
        end = time.monotonic() + 60
        while done not in (answer := self.ask("INFO", "persistence")):
            if time.monotonic() > end:
                raise Complaint(f"{done} does not come true")
            time.sleep(0.02)
        if good not in answer:
            raise Complaint(f"not {good}")


def value(number: int) -> str:
    """What a known key holds."""
    return f"{number * 2654435761 % 2**32:08x}" * (1 + number % 9)
