"""Commands that take long: a folder that appears whole, and beside it what lets a stopped or killed one go on."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from core.errors import SpecError
from core.export.whole import refuse_foreign, whole_folder

UNFINISHED = "unfinished"
Found = TypeVar("Found")


def going_on(
    out: Path, files: Collection[str], settings: Mapping[str, Any], what: str, compute: Callable[[Path, Path], Found]
) -> Found:
    """Compute into ``out``, which then holds the result's files and nothing else; what ``compute`` returns.

    Args:
        files: of the result.
        settings: JSON values that decide it: what was begun with others is not gone on with.
        what: the result in a word, ``study``.
        compute: ``compute(scratch, finished)`` writes the files into ``finished``; what it leaves in ``scratch`` is
            there again when the same command is repeated.

    Raises:
        ResultError: ``out`` holds something else.
        SpecError: ``out`` holds the beginning of another result.
        SystemExit: it was stopped from the keyboard, which is said on stderr.
    """
    out = out.resolve()
    refuse_foreign(out, {*files, UNFINISHED})
    scratch = _scratch(out, settings, what)
    finished = scratch / "finished"
    shutil.rmtree(finished, ignore_errors=True)
    finished.mkdir()
    try:
        found = compute(scratch, finished)
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
        raise SystemExit(130) from None
    with whole_folder(out, {*files, UNFINISHED}) as folder:
        for file in finished.iterdir():
            shutil.move(file, folder / file.name)
    return found


def _scratch(out: Path, settings: Mapping[str, Any], what: str) -> Path:
    """The folder of what a killed command left; refused where that was another one."""
    scratch = out / UNFINISHED
    wanted, mark = json.dumps(dict(settings), sort_keys=True), scratch / "settings.json"
    if mark.exists() and mark.read_text(encoding="utf-8") != wanted:
        raise SpecError(
            f"The folder holds the beginning of another {what}.",
            where="--out",
            next_step="Name another folder, or repeat the command that began it.",
        )
    scratch.mkdir(parents=True, exist_ok=True)
    mark.write_text(wanted, encoding="utf-8")
    return scratch
