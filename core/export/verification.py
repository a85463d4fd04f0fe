"""A verification as a folder: the ranking so far, how sure it is, and the state from which it goes on.

verified.csv       rank, node, layer, head, position, token, estimate, exact: verified nodes by exact magnitude,
                   then the others by estimate (their exact is empty). exact is the mean over pairs
summary.json       what was verified, what it cost, and the bounds on what was not
state.safetensors  exact effects float32 [pair, node], NaN where not verified
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.errors import ResultError
from core.export.whole import whole_folder
from core.runs.verification import Verified

FILES = ("verified.csv", "summary.json", "state.safetensors")


def write_verification(verified: Verified, folder: Path) -> None:
    """Write a verification; an earlier one in the same place is replaced.

    Raises:
        ResultError: the place holds other files, or cannot be written.
    """
    with whole_folder(folder, FILES) as partial:
        verified.table().to_csv(partial / "verified.csv", index=False, lineterminator="\n")
        (partial / "state.safetensors").write_bytes(save({"exact": verified.state.exact}))
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
        exact = load((folder / "state.safetensors").read_bytes())["exact"]
        same = (kept["result"], kept["family"]) == (verified.spec.digest, verified.family)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ResultError("The verification cannot be read.", where=str(folder)) from error
    state = verified.state
    if not same or exact.shape != state.exact.shape:
        raise ResultError(
            "The folder holds a verification of something else.", where="--out", next_step="Choose a new folder."
        )
    state.exact[:] = exact
    found = ~np.isnan(exact[:, state.order]).any(0)
    state.done = len(found) if found.all() else int(np.argmin(found))
