"""Large libraries, read in the worker's thread while pages follow."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from importlib import import_module


def read_libraries(names: Sequence[str], on_step: Callable[[int, int, str], None] | None = None) -> None:
    """Import modules one after another, each keeping what it brought out of garbage collections.

    Streamlit collects after every rerun, and a page that follows a job runs again several times a second: without
    this the collections would take most of the time.

    Args:
        on_step: called with (modules read, all of them, what is read now) for each that was not there yet.
    """
    for i, name in enumerate(names):
        gc.freeze()
        if on_step is not None and name not in sys.modules:
            on_step(i, len(names), f"reading libraries ({name.split('.')[0]})")
        import_module(name)
    gc.freeze()
