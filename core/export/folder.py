"""A result as a folder: ``run.json``, ``effects.safetensors`` and ``effects.csv``.

``run.json`` says what was run and on which tokens; ``effects.safetensors`` holds every effect (one float32 tensor
``[layer, position, unit]`` a kind and pair, named ``z/0``; a screen has a few more, see ``core.export.screened``);
``effects.csv`` is for people and other programs and is never read back. A folder appears whole or not at all. Reading
trusts nothing: a folder may come from anywhere.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from core.errors import ResultError
from core.export import whole
from core.export.reading import LARGEST_EFFECTS, LARGEST_RUN, SCHEMA, read_files
from core.export.screened import screened_json, screened_tensors
from core.export.table import effects_csv
from core.export.whole import whole_folder
from core.patching.results.result import AttributionResult, PairRun

FILES = ("run.json", "effects.safetensors", "effects.csv")


def write_folder(result: AttributionResult, folder: Path, *, top: int | None = None) -> None:
    """Write a result; an earlier result in the same place is replaced, anything else is left alone.

    Args:
        top: keep only so many rows, those of largest magnitude, in ``effects.csv``.

    Raises:
        ResultError: the place holds other files, or cannot be written.
    """
    with whole_folder(folder, FILES) as partial:
        _write(result, partial, top)


def write_files(result: AttributionResult, folder: Path) -> None:
    """Write the two files that are read back, without the table for people, into an empty folder.

    Raises:
        ResultError: it is only a part of a run, or holds a number that is not finite where one must be.
        OSError: the folder cannot be written.
    """
    if result.partial:
        raise ResultError(f"Only a part of the run is here ({result.partial}), so it is not kept as the whole.")
    try:
        text = json.dumps(run_json(result), ensure_ascii=False, indent=1, allow_nan=False)
    except ValueError as error:
        raise ResultError("The result holds a metric or a time that is not a finite number.") from error
    for name, content in (("effects.safetensors", effects_bytes(result)), ("run.json", (text + "\n").encode())):
        with (folder / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def read_folder(folder: Path) -> AttributionResult:
    """Read a folder that ``write_folder`` wrote.

    Raises:
        ResultError: anything missing, damaged, too large or not as the run describes it.
    """
    folder = Path(folder)
    contents = []
    for name, largest in (("run.json", LARGEST_RUN), ("effects.safetensors", LARGEST_EFFECTS)):
        try:
            if (folder / name).stat().st_size > largest:
                raise ResultError("The file is too large to be a result.", where=str(folder / name))
            contents.append((folder / name).read_bytes())
        except OSError as error:
            raise ResultError(f"The file cannot be read ({error.strerror}).", where=str(folder / name)) from error
    return read_files(*contents)


def run_json(result: AttributionResult) -> dict[str, Any]:
    """Everything but the effects, as plain JSON values."""
    return {
        "schema": SCHEMA,
        "spec": result.spec.to_json(),
        "shape": asdict(result.shape),
        "pairs": [_pair_json(run) for run in result.pairs],
        "seconds": result.seconds,
        "provenance": result.provenance,
        **({"screened": screened_json(result)} if result.spec.screen else {}),
        **({"partial": result.partial} if result.partial else {}),
    }


def effects_bytes(result: AttributionResult) -> bytes:
    """The content of ``effects.safetensors``."""
    return save(
        {
            f"{kind}/{i}": np.ascontiguousarray(x, dtype=np.float32)
            for kind, arrays in result.effects.items()
            for i, x in enumerate(arrays)
        }
        | screened_tensors(result)
    )


def _pair_json(run: PairRun) -> dict[str, Any]:
    pair = run.tokens
    return {
        "name": pair.name,
        "row": pair.row,
        "clean_tokens": list(pair.clean_ids),
        "corrupt_tokens": list(pair.corrupt_ids),
        "clean_token_text": list(pair.clean_tokens),
        "corrupt_token_text": list(pair.corrupt_tokens),
        "answer_id": _plain(pair.answer_id),
        "distractor_id": _plain(pair.distractor_id),
        "answer": _plain(pair.answer),
        "distractor": _plain(pair.distractor),
        **({"rest_ids": list(pair.rest_ids), "rest": list(pair.rest)} if pair.rest_ids else {}),
        "clean_metric": run.clean_metric,
        "corrupt_metric": run.corrupt_metric,
    } | ({} if pair.links is None else {"links": [list(span) for span in pair.links]})


def _plain(value: int | str | tuple[int, ...] | tuple[str, ...]) -> Any:
    """One id or text as itself, several that count alike as a list."""
    return list(value) if isinstance(value, tuple) else value


def _write(result: AttributionResult, folder: Path, top: int | None) -> None:
    write_files(result, folder)
    with (folder / "effects.csv").open("w", encoding="utf-8", newline="") as file:
        effects_csv(result, file, top=top)


def refuse_foreign(folder: Path) -> None:
    """Raise ResultError where a result must not be written: the place holds something else."""
    whole.refuse_foreign(folder, FILES)
