"""LabSpec: everything that decides a laboratory's run; and the ``run.json`` that stands beside the run's files."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core.errors import SpecError

SCHEMA = 1
LONGEST_TITLE = 120  # characters
_NAME = re.compile(r"[a-z][a-z_]{0,39}")
_PACKAGES = ("torch", "transformers", "transformer-lens", "numpy")


@dataclass(frozen=True)
class LabSpec:
    """One run of a laboratory.

    Attributes:
        lab: the laboratory, by its page's name: ``grokking``, ``knowledge``, ...
        title: the run in a few words; not part of the digest.
        model: catalogue id or path of the model; empty where the laboratory trains its own.
        settings: everything else that decides the result, as JSON values (revision, seeds, data digests, ...).

    Raises:
        SpecError: a name, the title or the settings are not fit to be kept.
    """

    lab: str
    title: str
    model: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.lab) or not 0 < len(self.title) <= LONGEST_TITLE:
            raise SpecError("The laboratory's run has no proper name or title.")
        try:
            plain = json.loads(json.dumps(dict(self.settings), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise SpecError("The settings of the laboratory's run are not plain JSON values.") from error
        object.__setattr__(self, "settings", plain)

    @property
    def digest(self) -> str:
        """Short hex digest: cache key, permalink and folder name."""
        decisive = {"lab": self.lab, "model": self.model, "settings": self.settings}
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain JSON values."""
        return {"lab": self.lab, "title": self.title, "model": self.model, "settings": dict(self.settings)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> LabSpec:
        """The inverse of ``to_json``; unknown or missing fields are refused."""
        if not isinstance(data, dict) or set(data) != {"lab", "title", "model", "settings"}:
            raise SpecError("The description of the laboratory's run has missing or unknown fields.")
        texts = all(isinstance(data[name], str) for name in ("lab", "title", "model"))
        if not texts or not isinstance(data["settings"], dict):
            raise SpecError("The description of the laboratory's run has fields of the wrong kind.")
        return cls(**data)


def plain_settings(settings: Any) -> dict[str, Any]:
    """A laboratory's settings, a dataclass of numbers, texts and tuples, as JSON values."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(settings).items()}


def with_tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse, as arguments of that dataclass: lists become tuples again."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}


def write_lab_run(spec: LabSpec, folder: Path, *, items: int, seconds: float) -> None:
    """Write ``run.json`` beside a laboratory's files.

    Args:
        items: how many things (runs, statements, edges, ...) it is about.

    Raises:
        OSError: the folder cannot be written.
    """
    provenance = {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}
    data = {
        "schema": SCHEMA,
        "lab": spec.lab,
        "spec": spec.to_json(),
        "items": items,
        "seconds": round(seconds, 3),
        "provenance": provenance,
    }
    with (folder / "run.json").open("w", encoding="utf-8") as file:
        file.write(json.dumps(data, ensure_ascii=False, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_lab_run(data: dict[str, Any]) -> tuple[LabSpec, int, float]:
    """The run that a ``run.json`` describes, its items and seconds.

    Raises:
        SpecError, KeyError, TypeError, ValueError: it is not one.
    """
    return LabSpec.from_json(data["spec"]), int(data["items"]), float(data["seconds"])
