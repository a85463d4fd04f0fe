"""Entry: what the store knows of a run without reading its effects."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from core.errors import ResultError
from core.patching.spec import RunSpec
from core.runs.laboratory import LabSpec

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
STATES: tuple[State, ...] = get_args(State)
LONGEST = {"name": 120, "tags": 200, "notes": 20_000}  # characters
_DIGEST = re.compile(r"[0-9a-f]{16}")


def is_digest(text: str) -> bool:
    """Whether a text from outside may be used as a name in the file system."""
    return _DIGEST.fullmatch(text) is not None


@dataclass(frozen=True)
class Entry:
    """One run in the store's table.

    Attributes:
        spec_json: the RunSpec or LabSpec as JSON text; ``spec`` or ``lab_spec`` reads it.
        method: or the title, of a laboratory's run.
        pairs: number of pairs, or of what else a laboratory's run is about.
        state: ``interrupted`` means that its process died; the others are the queue's words.
        problem: why it failed, fit to show.
        seconds: what the run took. size: bytes on disk.
        created, used, deleted: seconds since 1970; ``deleted`` is None unless it lies in the bin.
        folder: of the effects, below the store's root; None: there are none yet.
        name, tags, notes: a person's own words; tags are parted by commas.
        pinned: never evicted.
        lab: the laboratory it belongs to; empty: a run of pairs.
    """

    digest: str
    spec_json: str
    model: str
    pairs_digest: str
    method: str
    metric: str
    direction: str
    pairs: int
    state: State
    problem: str
    seconds: float
    folder: str | None
    size: int
    created: float
    used: float
    deleted: float | None
    name: str
    tags: str
    notes: str
    pinned: bool
    lab: str

    @property
    def spec(self) -> RunSpec:
        """The description of a run of pairs."""
        return RunSpec.from_json(json.loads(self.spec_json))

    @property
    def lab_spec(self) -> LabSpec:
        """The description of a laboratory's run."""
        return LabSpec.from_json(json.loads(self.spec_json))

    @property
    def nodes(self) -> tuple[str, ...]:
        """Node kinds that were patched; none in a laboratory's run."""
        return tuple(json.loads(self.spec_json).get("nodes", ()))

    @property
    def own(self) -> bool:
        """Whether the store made the folder and may remove it; folders that people named are left alone."""
        return self.folder == self.digest


def checked_words(words: dict[str, Any]) -> dict[str, Any]:
    """Words that a person gives a run: text without control characters, of bounded length; ``pinned`` is a bool.

    Raises:
        ResultError: an unknown field, or a text that is too long.
    """
    checked: dict[str, Any] = {}
    for field, value in words.items():
        if field == "pinned" and isinstance(value, bool):
            checked[field] = value
        elif field in LONGEST and isinstance(value, str):
            checked[field] = _clean(field, value)
        else:
            raise ResultError(f"A run has no field {field[:20]!r} of this kind.")
    return checked


def _clean(field: str, text: str) -> str:
    kept = "".join(c for c in text if c.isprintable() or (c == "\n" and field == "notes")).strip()
    if len(kept) > LONGEST[field]:
        raise ResultError(
            f"The {field} would have {len(kept)} characters.", next_step=f"Shorten it to {LONGEST[field]} at most."
        )
    return kept
