"""Telling a toy's folder from any other, without reading torch."""

from __future__ import annotations

import json
from pathlib import Path

MARK = "circuitarium_norms"  # in config.json: whether the toy has norms; no other model has the entry


def is_toy(folder: Path) -> bool:
    """Whether a folder was written by ``core.models.toy.save_toy``."""
    try:
        return MARK in json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False
