"""A laboratory's run inside a session file: its files by name, checked before any of them is written.

Only flat data files and the small models a laboratory trained may come in, each with a plain name and one of a few
endings; what they hold is checked by whoever reads them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from core.errors import ResultError, UserError
from core.runs.laboratory import read_lab_run

_FILE = re.compile(r"(models/[A-Za-z0-9_-]{1,60}/)?[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}\.(csv|json|parquet|safetensors)")
MEMBER = re.compile(rf"labs/([0-9a-f]{{16}})/({_FILE.pattern})")


def lab_files(folder: Path) -> dict[str, bytes]:
    """Name below the folder -> content of everything that a session file may hold."""
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in paths.items() if _FILE.fullmatch(name)}


def write_lab_files(files: dict[str, bytes], folder: Path) -> None:
    """Write such files into an empty folder."""
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def check_lab(digest: str, files: dict[str, bytes]) -> None:
    """Raise ResultError unless the files are of the run with this digest."""
    try:
        spec, _, _ = read_lab_run(json.loads(files["run.json"].decode("utf-8")))
        found = spec.digest
    except (UserError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _refusal(f"The laboratory's run {digest} has no proper description.") from error
    if found != digest:
        raise _refusal(f"The laboratory's run {digest} is not the one that its description says.")


def _refusal(what: str) -> ResultError:
    return ResultError(what, where="session file", next_step="Ask for it again, or leave it.")
