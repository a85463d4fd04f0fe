"""Results and pair sets on disk, by digest: what makes a link work after a restart."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.errors import ResultError, UserError
from core.export.folder import read_folder, write_folder
from core.patching.results import AttributionResult
from core.prompts.pairs import PairSet
from core.prompts.parse import pairs_to_csv, parse_pairs
from core.runs.spec import RunSpec

EXAMPLES = Path(__file__).parents[1] / "assets" / "results"
_DIGEST = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Stored:
    """A result on disk, as its run.json describes it."""

    folder: Path
    spec: RunSpec
    n_pairs: int
    written: float

    @property
    def digest(self) -> str:
        return self.spec.digest


def results_dir() -> Path:
    """Where results live: ``CIRCUITARIUM_RESULTS``, or ``results`` beside the server."""
    return Path(os.environ.get("CIRCUITARIUM_RESULTS", "results"))


def is_digest(text: str) -> bool:
    """Whether a text from outside may be used as a name in the file system."""
    return _DIGEST.fullmatch(text) is not None


def save_result(result: AttributionResult) -> str:
    """Write a result under its digest, which is returned."""
    digest = result.spec.digest
    write_folder(result, results_dir() / digest)
    return digest


def load_result(digest: str) -> AttributionResult | None:
    """The stored result of a run, or None."""
    folder = _folder_of(digest)
    if folder is None:
        return None
    return _read(str(folder), (folder / "run.json").stat().st_mtime_ns)


def has_result(digest: str) -> bool:
    """Whether a run's result is stored."""
    return _folder_of(digest) is not None


def stored_results() -> list[Stored]:
    """Every readable result, this server's own first, newest first."""
    found = [stored for folder in _folders() if (stored := _describe(folder)) is not None]
    return sorted(found, key=lambda s: (s.folder.parent == EXAMPLES, -s.written))


def example_results() -> list[AttributionResult]:
    """The results that come with the app."""
    return [_read(str(f), (f / "run.json").stat().st_mtime_ns) for f in _folders() if f.parent == EXAMPLES]


def save_pairs(pairs: PairSet) -> str:
    """Keep a pair set under its digest, which is returned."""
    path = results_dir() / "pairs" / f"{pairs.digest}.csv"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pairs_to_csv(pairs), encoding="utf-8")
        path.with_suffix(".name").write_text(pairs.name, encoding="utf-8")
    return pairs.digest


def load_pairs(digest: str) -> PairSet:
    """A kept pair set.

    Raises:
        ResultError: nothing is kept under this digest.
    """
    path = results_dir() / "pairs" / f"{digest}.csv"
    if not is_digest(digest) or not path.exists():
        raise ResultError(
            "The pairs that the link names are not on this server.", next_step="Upload them again, or choose a set."
        )
    name = path.with_suffix(".name")
    title = name.read_text(encoding="utf-8") if name.exists() else "pairs"
    return PairSet(title, parse_pairs(path.read_bytes(), filename=path.name).pairs.pairs)


@st.cache_resource(max_entries=24, show_spinner=False)
def _read(folder: str, written_ns: int) -> AttributionResult:
    """A result is frozen, so sessions may share it; ``written_ns`` tells a rewritten folder apart."""
    return read_folder(Path(folder))


def _folder_of(digest: str) -> Path | None:
    if not is_digest(digest):
        return None
    own = results_dir() / digest
    if (own / "run.json").exists():
        return own
    named = (stored.folder for folder in _folders() if (stored := _describe(folder)) and stored.digest == digest)
    return next(named, None)


def _folders() -> list[Path]:
    roots = [root for root in (results_dir(), EXAMPLES) if root.is_dir()]
    return [path.parent for root in roots for path in sorted(root.glob("*/run.json"))]


def _describe(folder: Path) -> Stored | None:
    path = folder / "run.json"
    try:
        return _describe_cached(folder, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return None


@st.cache_resource(max_entries=500, show_spinner=False)
def _describe_cached(folder: Path, written_ns: int) -> Stored:
    data = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return Stored(folder, RunSpec.from_json(data["spec"]), len(data["pairs"]), written_ns / 1e9)
