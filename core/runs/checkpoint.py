"""Finished pairs of an unfinished sweep, a file each, so that a sweep cut off by a crash goes on where it was.

A file appears whole or not at all. It names the tokens it belongs to; one that does not fit, or is damaged, is as
good as missing: the pair is run again.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from core.errors import ResultError
from core.patching.results.result import PairRun
from core.patching.spec import RunSpec
from core.prompts.pairs import TokenPair
from core.terms import ModelShape, NodeKind


@dataclass(frozen=True)
class PairDone:
    """One pair's share of a result: effects ``[layer, position, unit]`` by kind, and what the stages took."""

    run: PairRun
    effects: dict[NodeKind, np.ndarray]
    seconds: tuple[float, float]


@dataclass(frozen=True)
class Checkpoints:
    """Finished pairs of one run, in a folder of their own that is made when the first pair is done."""

    folder: Path

    def add(self, done: PairDone) -> None:
        """Keep a finished pair.

        Raises:
            ResultError: the disk refuses it.
        """
        numbers = (done.run.clean_metric, done.run.corrupt_metric, *done.seconds)
        metadata = {"tokens": _tokens(done.run.tokens), "numbers": " ".join(map(repr, numbers))}
        place = self._place(done.run.tokens)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = place.with_suffix(".part")
            partial.write_bytes(save({k: np.ascontiguousarray(x) for k, x in done.effects.items()}, metadata))
            os.replace(partial, place)
        except OSError as error:
            raise ResultError(f"Finished pairs cannot be kept ({error.strerror}).", where=str(self.folder)) from error

    def find(self, pair: TokenPair, spec: RunSpec, shape: ModelShape) -> PairDone | None:
        """The pair as it was kept, or None."""
        try:
            with safe_open(self._place(pair), framework="numpy") as file:
                metadata = file.metadata() or {}
                effects = {kind: file.get_tensor(kind) for kind in spec.nodes}
                clean, corrupt, base, method = map(float, metadata["numbers"].split())
        except (OSError, SafetensorError, KeyError, ValueError):
            return None
        sizes = {kind: (shape.n_layers, len(pair.base_ids(spec.direction)), shape.units(kind)) for kind in spec.nodes}
        fits = all(x.dtype == np.float32 and x.shape == sizes[kind] for kind, x in effects.items())
        if metadata["tokens"] != _tokens(pair) or not fits:
            return None
        return PairDone(PairRun(pair, clean, corrupt), effects, (base, method))

    def _place(self, pair: TokenPair) -> Path:
        return self.folder / f"{pair.row}.safetensors"


def _tokens(pair: TokenPair) -> str:
    ids: tuple = (pair.clean_ids, pair.corrupt_ids, pair.answer_id, pair.distractor_id)
    ids += (pair.rest_ids,) if pair.rest_ids else ()
    ids += (pair.links,) if pair.links is not None else ()
    return hashlib.sha256(repr(ids).encode()).hexdigest()
