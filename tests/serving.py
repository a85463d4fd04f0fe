"""The app as a process of its own, for tests and benchmarks that drive it from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.paths import ROOT

APP = ("-m", "streamlit", "run", "app.py", "--server.address", "127.0.0.1", "--server.port")


@contextmanager
def served(
    results: Path, program: Sequence[str] = APP, *, one_thread: bool = True
) -> Iterator[tuple[str, subprocess.Popen]]:
    """Start a server on a free port, give its address and process, and end it.

    Args:
        results: folder of its store.
        program: arguments of Python; the port is put behind them.
        one_thread: products run on one thread, as beside other processes; else on as many as torch likes.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    threads = {"OMP_NUM_THREADS": "1"} if one_thread else {}
    environment = {**os.environ, "CIRCUITARIUM_RESULTS": str(results), **threads}
    command = [sys.executable, *program, str(port)]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.terminate()
        server.wait(20)


def wait_for(url: str, seconds: float = 120) -> None:
    """Return as soon as the address answers; TimeoutError if it never does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=1)
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)
