"""A verification as a folder: the ranking so far, how sure it is, and the state from which it goes on.

verified.csv       rank, node, layer, head, position, token, estimate, exact: verified nodes by exact magnitude,
                   then the others by estimate (their exact is empty). exact is the mean over pairs
summary.json       what was verified, what it cost, and the bounds on what was not
state.safetensors  exact effects float32 [pair, node], NaN where not verified
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.errors import ResultError
from core.export.whole import whole_folder
from core.patching.bound import Bound
from core.patching.nodes import Nodes
from core.patching.verify import Verification
from core.prompts.pairs import TokenPair
from core.runs.spec import RunSpec

FILES = ("verified.csv", "summary.json", "state.safetensors")


@dataclass(frozen=True, eq=False)
class Verified:
    """A verification with what it verifies. ``bounds`` is empty where nothing was sampled."""

    spec: RunSpec
    family: str
    nodes: Nodes
    state: Verification
    bounds: tuple[Bound, ...]
    pairs: tuple[TokenPair, ...]

    def words(self) -> list[str]:
        """What is known now, one sentence a line."""
        state = self.state
        lines = [f"{state.done} of {state.n_nodes} nodes verified, {state.forwards} forward passes"]
        for b in self.bounds:
            level = f"at {100 * b.confidence:g} % confidence"
            if np.isfinite(b.bound):
                sure = f"sure of the true top {state.sure_of(b.bound)}"
                lines.append(f"{level}, no other node exceeds {b.bound:.3g}: {sure}")
            else:
                lines.append(f"{level}, no bound: too few samples")
        return lines

    def table(self) -> pd.DataFrame:
        """The ranking, one row a node."""
        order = self.state.ranking()
        tokens = self.pairs[0].clean_tokens if self.spec.direction == "noising" else self.pairs[0].corrupt_tokens
        places = [self.nodes.at(i) for i in order]
        positions = self.nodes.position[order]
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(order) + 1),
                "node": [place.kind for place in places],
                "layer": self.nodes.layer[order],
                "head": pd.array([place.unit for place in places], dtype="Int64"),
                "position": positions,
                "token": np.array(tokens, dtype=object)[positions] if len(self.pairs) == 1 else "",
                "estimate": self.state.score[order],
                "exact": self.state.exact.mean(0)[order],
            }
        )

    def summary(self) -> dict[str, Any]:
        """Plain JSON values. A bound that could not be given is null."""
        return {
            "result": self.spec.digest,
            "family": self.family,
            "verified": self.state.done,
            "n_nodes": self.state.n_nodes,
            "n_pairs": len(self.pairs),
            "forward_passes": self.state.forwards,
            "bounds": [
                {
                    "confidence": b.confidence,
                    "bound": b.bound if np.isfinite(b.bound) else None,
                    "sure_of_top": self.state.sure_of(b.bound),
                }
                for b in self.bounds
            ],
        }


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


def read_state(folder: Path, digest: str, family: str, score: np.ndarray, n_pairs: int) -> Verification:
    """The state that a folder holds, or a new one where there is no folder.

    Raises:
        ResultError: the folder belongs to another result or family, or is damaged.
    """
    state = Verification.of(score, n_pairs)
    if not (folder / "summary.json").exists():
        return state
    try:
        kept = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        exact = load((folder / "state.safetensors").read_bytes())["exact"]
        same = (kept["result"], kept["family"]) == (digest, family)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ResultError("The verification cannot be read.", where=str(folder)) from error
    if not same or exact.shape != state.exact.shape:
        raise ResultError(
            "The folder holds a verification of something else.", where="--out", next_step="Choose a new folder."
        )
    state.exact[:] = exact
    found = ~np.isnan(exact[:, state.order]).any(0)
    state.done = len(found) if found.all() else int(np.argmin(found))
    return state
