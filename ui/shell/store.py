"""The server's store of runs and pair sets, and the results that come with the app: what makes a link work."""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import ResultError
from core.export.folder import read_folder
from core.patching.results.result import AttributionResult
from core.paths import ASSETS
from core.prompts.pairs import PairSet, PromptPair
from core.runs.entry import is_digest
from core.runs.store import LIMIT, Store

EXAMPLES = ASSETS / "results"
TOUCH_SECONDS = 60.0


def results_dir() -> Path:
    """Where results live: ``CIRCUITARIUM_RESULTS``, or ``results`` beside the server."""
    return Path(os.environ.get("CIRCUITARIUM_RESULTS", "results"))


def store() -> Store:
    """The one store of this server. ``CIRCUITARIUM_STORE_GB`` says how large it may grow."""
    return _store(str(results_dir().resolve()), int(float(os.environ.get("CIRCUITARIUM_STORE_GB", 0)) * 2**30) or LIMIT)


def save_result(result: AttributionResult) -> str:
    """Keep a result under its digest, which is returned."""
    return store().put(result)


def load_result(digest: str) -> AttributionResult | None:
    """The stored result of a run, or None.

    Raises:
        ResultError: the stored files are damaged.
    """
    entry = store().entry(digest)
    if entry is None or entry.folder is None or entry.deleted is not None:
        return examples().get(digest)
    if time.time() - entry.used > TOUCH_SECONDS:
        store().touch(digest)
    return _read(str(store().root), digest, entry.folder, entry.created)


def has_result(digest: str) -> bool:
    """Whether a run's result is stored, or comes with the app."""
    return store().has(digest) or digest in examples()


@st.cache_resource(show_spinner=False)
def examples() -> dict[str, AttributionResult]:
    """The results that come with the app, by digest."""
    found = [read_folder(path.parent) for path in sorted(EXAMPLES.glob("*/run.json"))]
    return {result.spec.digest: result for result in found}


def save_pairs(pairs: PairSet) -> str:
    """Keep a pair set under its digest, which is returned."""
    return store().put_pairs(pairs)


def load_pairs(digest: str) -> PairSet:
    """A kept pair set.

    Raises:
        ResultError: nothing is kept under this digest.
    """
    pairs = (store().get_pairs(digest) or _older_pairs(digest)) if is_digest(digest) else None
    if pairs is None:
        raise ResultError(
            "The pairs that the link names are not on this server.", next_step="Upload them again, or choose a set."
        )
    return pairs


def _older_pairs(digest: str) -> PairSet | None:
    """Pair sets used to be files; links to them keep working."""
    path = results_dir() / "pairs" / f"{digest}.csv"
    if not path.exists():
        return None
    name = path.with_suffix(".name")
    title = name.read_text(encoding="utf-8") if name.exists() else "pairs"
    with path.open(encoding="utf-8", newline="") as file:  # each cell is one text, whatever it holds
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    return PairSet(title, tuple(PromptPair(**row) for row in rows))


@st.cache_resource(max_entries=4, show_spinner=False)
def _store(root: str, limit: int) -> Store:
    return Store(Path(root), limit=limit)


@st.cache_resource(max_entries=24, show_spinner=False)
def _read(root: str, digest: str, folder: str, created: float) -> AttributionResult | None:
    """A result is frozen, so sessions may share it; ``created`` tells a rewritten folder apart."""
    return store().get(digest)
