"""The result folders below a store's root: which there are, and what the table should say of each."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.patching.spec import RunSpec
from core.runs.laboratory import LabSpec, read_lab_run
from core.runs.table import row_of


def written_folders(root: Path) -> dict[str, int]:
    """Every folder with a result, and when its run.json was written (``st_mtime_ns``)."""
    found = {}
    for path in root.glob("[!.]*/run.json"):
        with suppress(FileNotFoundError):  # removed since
            found[path.parent.name] = path.stat().st_mtime_ns
    return found


def finished_row(folder: Path) -> dict[str, Any] | None:
    """The table's row of the run whose result a folder holds; None where it holds none."""
    try:
        written = (folder / "run.json").stat().st_mtime_ns
        spec, count, seconds = _read_run(json.loads((folder / "run.json").read_text(encoding="utf-8")))
        row = row_of(spec, count) | {"seconds": seconds, "size": folder_size(folder)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UserError):
        return None
    return row | {"state": "done", "folder": folder.name, "written": written, "created": written / 1e9}


def folder_size(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _read_run(data: dict[str, Any]) -> tuple[RunSpec | LabSpec, int, float]:
    """What a run.json describes: the run, how many pairs or items, the seconds it took."""
    if "lab" in data:
        return read_lab_run(data)
    return RunSpec.from_json(data["spec"]), len(data["pairs"]), float(sum(data["seconds"].values()))
