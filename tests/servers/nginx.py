"""nginx under wrk and ab: epoll, accept4, sendfile, a master with workers."""

from __future__ import annotations

import hashlib
import os
import random
import re
import signal
import urllib.request
from pathlib import Path

from tests.servers.base import Complaint, Load, Rate, Runner, Server, free_port, native

SERVER = "/usr/sbin/nginx"
WRK = "/usr/bin/wrk"
AB = "/usr/bin/ab"
SIZES = {"small": 900, "large": 300_000}

_CONFIGURATION = """\
daemon off;
worker_processes {workers};
{user}
pid {directory}/pid;
error_log {directory}/error.log notice;
events {{ worker_connections 512; }}
http {{
    access_log {directory}/access.log;
    sendfile on;
    keepalive_requests 1000000;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{ listen 127.0.0.1:{port}; root {directory}/files; }}
}}
"""


class HttpServer(Server):
    """What serves files by HTTP on a port.

    Args:
        directory: everything it writes goes there; files are served from its `files`.
        runner: how its programs are started.
    """

    needs: tuple[tuple[str, str], ...] = ((WRK, "wrk"), (AB, "apache2-utils"))
    threads = 8

    def __init__(self, directory: Path, runner: Runner) -> None:
        super().__init__(directory, runner)
        self.port = free_port()
        self.served = 0
        self.contents = {name: random.Random(name).randbytes(size) for name, size in SIZES.items()}

    def prepare(self) -> None:
        files = self.directory / "files"
        files.mkdir()
        for name, content in self.contents.items():
            (files / name).write_bytes(content)

    def url(self, name: str) -> str:
        """Where a file is served."""
        return f"http://127.0.0.1:{self.port}/{name}"

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.url("small"), timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def loads(self) -> tuple[Load, ...]:
        return (
            Load("small, kept alive", lambda s: self._wrk("small", s)),
            Load("large, kept alive", lambda s: self._wrk("large", s)),
            Load("small, new connections", self._ab),
        )

    def verify(self) -> None:
        for name, content in self.contents.items():
            with urllib.request.urlopen(self.url(name), timeout=30) as answer:
                got = answer.read()
            if hashlib.sha256(got).digest() != hashlib.sha256(content).digest():
                raise Complaint(f"{name}: {len(got)} bytes that are not the file's")

    def _wrk(self, name: str, seconds: float) -> Rate:
        # wrk takes whole seconds.
        length = f"{max(round(seconds), 1)}s"
        output = native([WRK, "-t", "1", "-c", str(self.threads), "-d", length, self.url(name)])
        done = re.search(r"(\d+) requests in ([\d.]+)s", output)
        if not done or "Non-2xx" in output or "Socket errors" in output:
            raise Complaint(f"wrk: {output[-500:]}")
        self.served += int(done[1])
        return Rate(int(done[1]), float(done[2]))

    def _ab(self, seconds: float) -> Rate:
        # Each connection takes a port for a minute: not more than there are.
        requests = min(max(int(2500 * seconds), 200), 6000)
        words = ["-q", "-n", str(requests), "-c", str(self.threads), self.url("small")]
        output = native([AB, *words])
        failed = re.search(r"^Failed requests:\s+(\d+)", output, re.MULTILINE)
        taken = re.search(r"^Time taken for tests:\s+([\d.]+)", output, re.MULTILINE)
        if not failed or failed[1] != "0" or not taken or "Non-2xx" in output:
            raise Complaint(f"ab: {output[-500:]}")
        self.served += requests
        return Rate(requests, float(taken[1]))


class Nginx(HttpServer):
    """nginx with one worker."""

    name = "nginx, 1 worker"
    needs = ((SERVER, "nginx"), *HttpServer.needs)
    stop_signal = signal.SIGQUIT
    workers = 1
    threads = 32

    def prepare(self) -> None:
        super().prepare()
        (self.directory / "nginx.conf").write_text(
            _CONFIGURATION.format(
                workers=self.workers,
                user="user www-data;" if os.geteuid() == 0 else "",
                directory=self.directory,
                port=self.port,
            )
        )

    def command(self) -> list[str]:
        return [SERVER, "-c", str(self.directory / "nginx.conf"), "-p", str(self.directory)]

    def verify(self) -> None:
        super().verify()
        with open(self.directory / "access.log", "rb") as log:
            lines = sum(1 for line in log if b'" 200 ' in line)
        if lines < self.served:
            raise Complaint(f"{self.served} requests were answered, {lines} are in the log")

    def complain_of_log(self) -> None:
        super().complain_of_log()
        text = (self.directory / "error.log").read_text()
        bad = [line for line in text.splitlines() if "[notice]" not in line]
        ended = len(re.findall(r"worker process \d+ exited with code 0", text))
        if bad or ended != self.workers:
            raise Complaint(f"error.log: {ended} workers ended well; {bad[:3]}")


class NginxWorkers(Nginx):
    """nginx with a worker for each processor, and one more."""

    name = "nginx, 3 workers"
    workers = 3
