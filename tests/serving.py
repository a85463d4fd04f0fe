"""Waiting for a server that a test or a benchmark started."""

from __future__ import annotations

import time
import urllib.request


def wait_for(url: str, seconds: float = 60) -> None:
    """Return as soon as the address answers; TimeoutError if it never does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=1)
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)
