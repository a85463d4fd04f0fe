"""What a study leaves: one row a representation, the representations, and what their measures can be checked with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from core.labs.similarity.settings import Settings
from core.labs.similarity.verdict import summarise
from core.worlds.listed.behaviours import Behaviours

if TYPE_CHECKING:
    from core.labs.similarity.measures import Exam

TABLE, SUMMARY, POINTS = "representations.csv", "summary.json", "representations.safetensors"
FILES = (TABLE, SUMMARY, POINTS, "run.json")
COLUMNS = ("world", "representation", "answers", "seed", "fpe", "tpa", "violated", "seconds", "noise")


def write_study(
    settings: Settings,
    behaviours: Behaviours,
    table: pd.DataFrame,
    points: Mapping[str, np.ndarray],
    exams: Mapping[int, Exam],
    out: Path,
) -> None:
    """Write the table, its summary, and all tensors that its numbers can be computed from again.

    Args:
        points: representation [behaviour, dim] by the run's name, ``sirl-100-noise0-seed0``.
    """
    table[list(COLUMNS)].to_csv(out / TABLE, index=False, float_format="%.6g")
    summary = {"settings": settings.to_json(), **summarise(table)}
    (out / SUMMARY).write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    save_file(_tensors(behaviours, points, exams), out / POINTS)


def _tensors(
    behaviours: Behaviours, points: Mapping[str, np.ndarray], exams: Mapping[int, Exam]
) -> dict[str, np.ndarray]:
    """Representations, features, halves; and by seed the preferences asked, and the pairs and triples tested."""
    found = {"features": behaviours.features, "seen": behaviours.seen, "held": behaviours.held}
    found |= {
        name: array.astype(np.float32) for name, array in points.items() if not name.startswith(("raw", "oracle"))
    }
    for seed, drawn in exams.items():
        found |= {
            f"asked-seed{seed}": np.stack([answers.pairs for answers in drawn.asked]).astype(np.int32),
            f"asked-first-seed{seed}": np.stack([answers.first for answers in drawn.asked]).astype(np.uint8),
            f"tested-seed{seed}": drawn.pairs.astype(np.int32),
            f"tested-first-seed{seed}": drawn.first.astype(np.uint8),
            f"triples-seed{seed}": drawn.triples.astype(np.int32),
        }
    return {name: np.ascontiguousarray(array) for name, array in found.items()}
