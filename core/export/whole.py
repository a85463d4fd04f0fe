"""A folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import ResultError
from core.files.skipped import NAME as SKIPPED


@contextmanager
def whole_folder(folder: Path, names: Collection[str]) -> Iterator[Path]:
    """An empty folder to write into; it takes its place when the block ends well, and vanishes otherwise.

    Args:
        names: files that an earlier folder in the same place may hold, besides rows that it left out; it is replaced.

    Raises:
        ResultError: the place holds other files, or cannot be written.
    """
    folder = Path(folder).resolve()
    try:
        refuse_foreign(folder, names)
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.part")
        partial.mkdir()
        try:
            yield partial
            _put_in_place(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise ResultError(f"The folder cannot be written ({error.strerror}).", where=str(folder)) from error


def refuse_foreign(folder: Path, names: Collection[str]) -> None:
    """Raise ResultError where a folder must not be written: the place holds something else."""
    if not folder.exists():
        return
    if not folder.is_dir() or {path.name for path in folder.iterdir()} - {*names, SKIPPED}:
        raise ResultError(
            "The place already holds something that is not a result.",
            where=str(folder),
            next_step="Choose a new folder.",
        )


def _put_in_place(partial: Path, folder: Path) -> None:
    """Rename the finished folder; a non-empty one in its place must step aside first."""
    old = partial.with_suffix(".old")
    if folder.exists():
        os.replace(folder, old)
    try:
        os.replace(partial, folder)
    except OSError:
        if old.exists():
            os.replace(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
