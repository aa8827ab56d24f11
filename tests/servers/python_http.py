"""Python's ThreadingHTTPServer under wrk and ab: a thread for each connection."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

from tests.servers.base import Complaint
from tests.servers.nginx import HttpServer

PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).parent / "scripts" / "http_server.py"


class PythonHttp(HttpServer):
    """http.server with threads, serving files and answering what it is sent."""

    name = "python http.server"
    needs = ((PYTHON, "python3"), *HttpServer.needs)

    def command(self) -> list[str]:
        return [PYTHON, str(SCRIPT), str(self.port), str(self.directory / "files")]

    def verify(self) -> None:
        super().verify()
        for size in (0, 1, 70_000):
            sent = bytes(number * 7 % 256 for number in range(size))
            request = urllib.request.Request(self.url("turn"), data=sent, method="POST")
            with urllib.request.urlopen(request, timeout=30) as answer:
                if answer.read() != sent[::-1]:
                    raise Complaint(f"{size} bytes came back wrong")

    def complain_of_log(self) -> None:
        super().complain_of_log()
        text = self.log.read_text(errors="replace")
        ended = re.search(r"^served (\d+), (\d+) failed$", text, re.MULTILINE)
        if not ended or ended[2] != "0" or int(ended[1]) < self.served or "Traceback" in text:
            raise Complaint(f"at its end: {text[-500:]}")
