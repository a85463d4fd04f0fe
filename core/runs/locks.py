"""Locks between processes, which the system releases when their holder dies in any way."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import Cancelled

POLL_SECONDS = 0.1


@contextmanager
def locked(
    path: Path, *, shared: bool = False, wait: bool = True, cancelled: Callable[[], bool] | None = None
) -> Iterator[bool]:
    """Hold a lock on a file, made if need be; gives whether it is held.

    Args:
        shared: several holders may share it; an exclusive one waits for all of them.
        wait: until the lock is free; otherwise give False at once where it is not.
        cancelled: asked while waiting.

    Raises:
        Cancelled: ``cancelled()`` became true before the lock was free.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        held = _take(file, shared)
        while wait and not held:
            if cancelled is not None and cancelled():
                raise Cancelled
            time.sleep(POLL_SECONDS)
            held = _take(file, shared)
        yield held
    finally:
        os.close(file)


def _take(file: int, shared: bool) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
