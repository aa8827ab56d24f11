"""The modules of CPython's test suite that are compared: what leans on kernel and threads.

They come with Debian's package libpython3.11-testsuite and test the interpreter of the package
python3.11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

INTERPRETER = "/usr/bin/python3.11"
SUITE = Path("/usr/lib/python3.11/test")
PACKAGE = "libpython3.11-testsuite"


@dataclass(frozen=True)
class Module:
    """One module of the suite.

    Attributes:
        name: as `python3.11 -m test` takes it.
        timeout_s: wall time for one run of all its tests, native or translated.
        sample: whether CI's sample takes it.
        resources: what its tests need beyond the suite's default, for its option -u.
        left_out: patterns of tests that cannot be run at all.
        expected: tests whose verdicts differ for a reason that docs/limits.md gives: id to reason.
    """

    name: str
    timeout_s: float = 300.0
    sample: bool = False
    resources: str = "none"
    left_out: tuple[str, ...] = ()
    expected: Mapping[str, str] = field(default_factory=dict)


MODULES: tuple[Module, ...] = (
    # Threads and what is built on them.
    Module("test_thread"),
    Module("test_threading"),
    Module("test_threading_local"),
    Module("test_threadedtempfile"),
    Module("test_threadsignals", sample=True),
    Module("test_queue"),
    Module("test_sched"),
    Module("test_concurrent_futures", timeout_s=900),
    # Signals, faults, timers.
    Module("test_signal"),
    Module("test_faulthandler", timeout_s=600),
    Module("test_eintr"),
    Module("test_time"),
    # Processes.
    Module("test_subprocess", timeout_s=600),
    Module("test_popen", sample=True),
    Module("test_fork1"),
    Module("test_wait3"),
    Module("test_wait4"),
    Module("test_os", timeout_s=600),
    Module("test_posix"),
    Module("test_resource"),
    Module("test_pty"),
    Module("test_openpty"),
    Module("test_cmd_line"),
    Module("test_multiprocessing_fork", timeout_s=1200),
    Module("test_multiprocessing_spawn", timeout_s=1800),
    Module("test_multiprocessing_forkserver", timeout_s=1200),
    Module("test_multiprocessing_main_handling"),
    Module("test__xxsubinterpreters"),
    # Memory, foreign functions, the interpreter's own machinery.
    Module("test_mmap"),
    Module("test_ctypes", timeout_s=600),
    Module("test_gc"),
    Module("test_sys", timeout_s=600),
    Module("test_sys_settrace"),
    Module("test_atexit"),
    Module("test_exceptions"),
    Module("test_tracemalloc"),
    Module("test_largefile"),
    # Descriptors and sockets.
    Module("test_fcntl"),
    Module("test_io", timeout_s=600, resources="cpu"),
    Module("test_file_eintr"),
    Module("test_select"),
    Module("test_selectors"),
    Module("test_poll", sample=True),
    Module("test_epoll"),
    # On a machine with vsock but without its loopback this waits for ever, natively too.
    Module("test_socket", timeout_s=600, left_out=("*VSOCKSocketStreamTest*",)),
    Module("test_socketserver", resources="network"),  # its own servers alone
    Module("test_asyncore"),
    Module("test_asyncio", timeout_s=900),
    Module("test_httpservers"),
    Module("test_ssl", timeout_s=600),
    Module("test_ftplib"),
    Module("test_smtplib"),
    Module("test_xmlrpc"),
    Module("test_wsgiref"),
    Module("test_urllib2_localnet"),
    Module("test_logging"),
    # What else the interpreter asks of the system.
    Module("test_hashlib"),
    Module("test_zlib"),
    Module("test_bz2"),
    Module("test_lzma"),
    Module("test_tempfile"),
    Module("test_shutil"),
    Module("test_importlib", timeout_s=600),
    Module("test_runpy"),
    Module("test_repl"),
    Module("test_readline"),
    Module("test_pdb"),
    Module("test_audit"),
    Module("test_venv", timeout_s=600),
    Module("test_regrtest", timeout_s=600),
    Module("test_support"),
    Module("test_asyncgen"),
    Module("test_contextlib_async"),
    Module("test_sys_setprofile"),
    Module("test_traceback"),
)
