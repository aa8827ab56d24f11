"""Serves a directory by threads until SIGTERM: http_server.py PORT DIRECTORY."""

import functools
import signal
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

lock = threading.Lock()
served = 0
failed = 0


class Handler(SimpleHTTPRequestHandler):
    """Files by GET; by POST, the body turned round."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Answers the request's body, last byte first."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[::-1])

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Counts instead of printing."""
        global served
        with lock:
            served += 1

    def log_message(self, format: str, *words: Any) -> None:
        """Only errors come here."""
        print(format % words, file=sys.stderr, flush=True)


class Server(ThreadingHTTPServer):
    """Waits for its threads when it is closed, and has room for many callers."""

    daemon_threads = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no error; all else is counted."""
        global failed
        if not isinstance(sys.exc_info()[1], ConnectionError):
            failed += 1
            super().handle_error(request, client_address)


def main() -> None:
    """Serves, and says at the end how much."""
    port, directory = int(sys.argv[1]), sys.argv[2]
    server = Server(("127.0.0.1", port), functools.partial(Handler, directory=directory))
    # shutdown waits for the loop, which this very thread runs.
    stop = threading.Thread(target=server.shutdown)
    signal.signal(signal.SIGTERM, lambda *_: stop.start())
    server.serve_forever()
    stop.join()
    server.server_close()
    print(f"served {served}, {failed} failed", flush=True)


main()
