"""PostgreSQL under pgbench: a process for each session, shared memory, semaphores."""

from __future__ import annotations

import re
from pathlib import Path

from tests.servers.base import Complaint, Load, Rate, Runner, Server, native

_VERSIONS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name)
BIN = _VERSIONS[-1] if _VERSIONS else Path("/usr/lib/postgresql/15/bin")
SCALE = 2


class Postgres(Server):
    """A cluster made by initdb, on a Unix socket, with checksums."""

    name = "postgresql"
    user = "postgres"
    needs = (
        (str(BIN / "postgres"), "postgresql"),
        (str(BIN / "initdb"), "postgresql"),
        (str(BIN / "pgbench"), "postgresql-contrib"),
    )

    def __init__(self, directory: Path, runner: Runner) -> None:
        super().__init__(directory, runner)
        self.data = directory / "data"
        self.transactions = 0

    def prepare(self) -> None:
        self.runner.run(
            [
                *(str(BIN / "initdb"), "-D", str(self.data), "-U", "postgres", "-A", "trust"),
                *("--data-checksums", "--no-sync", "-E", "UTF8", "--locale", "C"),
            ],
            cwd=self.directory,
            log=self.directory / "initdb.log",
            user=self.owner,
        )

    def command(self) -> list[str]:
        return [
            *(str(BIN / "postgres"), "-D", str(self.data), "-k", str(self.directory)),
            *("-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=40"),
            # A checkpoint holds written files open for minutes, which looks like growth.
            *("-c", "checkpoint_timeout=1d", "-c", "max_wal_size=8GB"),
        ]

    def is_ready(self) -> bool:
        try:
            return self._ask("postgres", "select 1") == "1"
        except Complaint:
            return False

    def start(self) -> None:
        super().start()
        self._ask("postgres", "create database bench")
        self._pgbench("-i", "-q", "-s", str(SCALE))

    def loads(self) -> tuple[Load, ...]:
        return (
            Load("select, 8 clients", lambda s: self._load(s, "-S", "-c", "8", "-j", "2")),
            Load("select, prepared", lambda s: self._load(s, "-S", "-M", "prepared", "-c", "8")),
            Load("TPC-B, 8 clients", self._tpc_b),
            Load("new connections", lambda s: self._load(s, "-S", "-C", "-c", "8", "-j", "2")),
        )

    def verify(self) -> None:
        """All four balances are the sum of the same deltas, and no transaction is missing."""
        tables = (
            ("pgbench_accounts", "abalance"),
            ("pgbench_branches", "bbalance"),
            ("pgbench_tellers", "tbalance"),
            ("pgbench_history", "delta"),
        )
        sums = {self._ask("bench", f"select sum({column}) from {name}") for name, column in tables}
        if self.transactions and len(sums) != 1:
            raise Complaint(f"balances differ: {sorted(sums)}")
        count = int(self._ask("bench", "select count(*) from pgbench_history"))
        if count != self.transactions:
            raise Complaint(f"{count} rows of history after {self.transactions} transactions")
        accounts = self._ask("bench", "select count(*), sum(aid) from pgbench_accounts")
        rows = SCALE * 100_000
        if accounts != f"{rows}|{rows * (rows + 1) // 2}":
            raise Complaint(f"accounts are {accounts}")
        self._ask("bench", "create extension if not exists amcheck")
        self._ask("bench", "select bt_index_check('pgbench_accounts_pkey', true)")

    def verify_stopped(self) -> None:
        """Checksums of all pages, by a native program."""
        program = str(BIN / "pg_checksums")
        native([program, "--check", "-D", str(self.data)], user=self.owner)

    def is_bad_line(self, line: str) -> bool:
        if "FATAL:" in line:
            return "the database system is starting up" not in line
        return super().is_bad_line(line) or bool(re.search(r"\b(WARNING|ERROR|PANIC):", line))

    def _ask(self, database: str, query: str) -> str:
        words = ["-h", str(self.directory), "-U", "postgres", "-X", "-A", "-t", "-d", database]
        return native([str(BIN / "psql"), *words, "-c", query]).strip()

    def _pgbench(self, *words: str) -> str:
        connection = ("-h", str(self.directory), "-U", "postgres")
        return native([str(BIN / "pgbench"), *connection, *words, "bench"], cwd=self.directory)

    def _load(self, seconds: float, *words: str) -> Rate:
        # pgbench counts whole seconds; less is asked for by a number of transactions.
        short = ("-t", str(int(200 * seconds) + 5))
        length = ("-T", str(round(seconds))) if seconds >= 1 else short
        output = self._pgbench("-n", *words, *length)
        done = re.search(r"transactions actually processed: (\d+)", output)
        rate = re.search(r"^tps = ([\d.]+)", output, re.MULTILINE)
        failed = re.search(r"failed transactions: (\d+)", output)
        if not done or not rate or (failed and failed[1] != "0"):
            raise Complaint(f"pgbench: {output[-500:]}")
        return Rate(int(done[1]), int(done[1]) / float(rate[1]))

    def _tpc_b(self, seconds: float) -> Rate:
        rate = self._load(seconds, "-c", "8", "-j", "2")
        self.transactions += rate.requests
        return rate
