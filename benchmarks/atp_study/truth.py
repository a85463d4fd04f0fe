"""The exact effect of every node of a question, computed once and kept.

A sweep over all neurons of one pair is some 200 000 patches, so every position is kept as soon as it is done, and
what is kept for good is small: float16, scaled by a power of two so that the largest effect is near 2^14. That leaves
eleven bits for every effect down to a hundred-millionth of the largest.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from core.patching.nodes import Nodes, all_nodes
from core.patching.question import Question
from core.patching.trust.oracle import Patching
from core.terms import NodeKind

SCRATCH = Path(tempfile.gettempdir()) / "circuitarium-study"
LARGEST = 14  # binary exponent


def truth(question: Question, kinds: Sequence[NodeKind], file: Path) -> np.ndarray:
    """Exact effects float32 ``[pair, node]`` of ``all_nodes``: read from ``file`` where it is there, else computed,
    written, and read back, so that both give the same numbers."""
    if not file.exists():
        nodes = all_nodes(kinds, question.model.shape, min(question.starts), question.length)
        _write(_sweep(question, nodes, SCRATCH / file.parent.name), file)
    return read(file)


def read(file: Path) -> np.ndarray:
    """Effects float32 ``[pair, node]`` as kept."""
    with safe_open(file, framework="numpy") as kept:
        scale = float(kept.metadata()["scale"])
        return kept.get_tensor("exact").astype(np.float32) / scale


def _write(effects: np.ndarray, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    scale = 2.0 ** (LARGEST - np.ceil(np.log2(np.abs(effects).max())))
    save_file({"exact": (effects * scale).astype(np.float16)}, file, metadata={"scale": repr(float(scale))})


def _sweep(question: Question, nodes: Nodes, scratch: Path) -> np.ndarray:
    """Position after position, the last one first; those found in ``scratch`` are not computed again."""
    oracle = Patching(question, nodes)
    out = np.zeros((oracle.n_pairs, oracle.n_nodes), np.float32)
    scratch.mkdir(parents=True, exist_ok=True)
    for position in np.unique(nodes.position)[::-1].tolist():
        here, kept = np.flatnonzero(nodes.position == position), scratch / f"{position}.npy"
        if not kept.exists():
            np.save(kept, oracle.effects(here))
            print(f"{scratch.name}: position {position}, {len(here)} nodes", flush=True)
        out[:, here] = np.load(kept)
    return out
