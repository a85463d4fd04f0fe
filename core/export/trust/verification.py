"""A verification as a folder: the ranking so far, how sure it is, and the state from which it goes on.

verified.csv       rank, node, layer, head, position, token, estimate, exact: verified nodes by exact magnitude,
                   then the others by estimate (their exact is empty). exact is the mean over pairs
summary.json       what was verified, what it cost, and the bounds on what was not
state.safetensors  node int32 [verified], in the order in which they were verified, and their exact effects float32
                   [pair, verified]
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.errors import ResultError
from core.export.whole import whole_folder
from core.patching.trust.bound import Bound
from core.patching.trust.verification import Verified
from core.patching.trust.verify import Verification

FILES = ("verified.csv", "summary.json", "state.safetensors")


def write_verification(verified: Verified, folder: Path, *, table: bool = True) -> None:
    """Write a verification; an earlier one in the same place is replaced.

    Args:
        table: write ``verified.csv`` too; without it the folder is only good for ``resume``.

    Raises:
        ResultError: the place holds other files, or cannot be written.
    """
    with whole_folder(folder, FILES) as partial:
        if table:
            verified.table().to_csv(partial / "verified.csv", index=False, lineterminator="\n")
        (partial / "state.safetensors").write_bytes(save(_arrays(verified.state)))
        text = json.dumps(verified.summary(), indent=1, allow_nan=False)
        (partial / "summary.json").write_text(text + "\n", encoding="utf-8")


def resume(verified: Verified, folder: Path) -> None:
    """Take over what a folder holds of the same verification; nothing where there is no folder.

    Raises:
        ResultError: the folder belongs to another result or family, or is damaged.
    """
    if not (folder / "summary.json").exists():
        return
    try:
        kept = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        arrays = load((folder / "state.safetensors").read_bytes())
        node, exact = arrays["node"], arrays["exact"]
        ordered = kept.get("average", "magnitude")  # folders of before there was a choice
        same = (kept["result"], kept["family"], ordered) == (verified.spec.digest, verified.family, verified.average)
        bounds = tuple(_bound(b, kept["verified"]) for b in kept["bounds"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ResultError("The verification cannot be read.", where=str(folder)) from error
    state = verified.state
    fits = exact.shape == (len(state.exact), len(node)) and np.array_equal(node, state.order[: len(node)])
    if not same or not fits:
        raise ResultError(
            "The folder holds a verification of something else.", where="--out", next_step="Choose a new folder."
        )
    state.exact[:, node] = exact
    state.done, verified.bounds = len(node), bounds


def _arrays(state: Verification) -> dict[str, np.ndarray]:
    nodes = state.order[: state.done]
    return {"node": nodes.astype(np.int32), "exact": np.ascontiguousarray(state.exact[:, nodes])}


def _bound(kept: dict[str, Any], verified: int) -> Bound:
    value = float("inf") if kept["bound"] is None else float(kept["bound"])
    return Bound(int(verified), float(kept["confidence"]), value)
