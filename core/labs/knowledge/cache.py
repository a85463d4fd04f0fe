"""What was computed before, on disk by digest: activations of a set of prompts, and fitted probes.

Both are written as they come, so a study that was cut off goes on where it stopped, and one that is repeated computes
nothing. Beyond a size the entries unused for longest go.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.labs.knowledge.activations import Activations, TokenisedPair, extract, n_layers_stored, open_arrays, tokenise
from core.labs.knowledge.probes.methods import Probes
from core.labs.knowledge.probes.normalise import Normaliser
from core.models.gguf import cache_dir
from core.models.load import LoadedModel
from core.progress import IsCancelled, OnStep

LIMIT = 8 * 2**30  # bytes; CIRCUITARIUM_PROBING_GB says otherwise
PARTS = ("weights", "bias", "threshold", "seeds")
FORMAT = 1


def digest_of(value: Any) -> str:
    """Short digest of plain JSON values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:20]


class Cache:
    """A folder of activations and probes; several processes may share it.

    Args:
        root: the folder; the default is below the user's cache directory.
    """

    def __init__(self, root: Path | None = None, *, limit: int | None = None):
        self.root = Path(root) if root is not None else cache_dir() / "probing"
        self.limit = limit or int(float(os.environ.get("CIRCUITARIUM_PROBING_GB", 0)) * 2**30) or LIMIT

    def activations_key(self, model: LoadedModel, prompts: Sequence[tuple[str, str]]) -> str:
        """Digest of all that decides the activations."""
        return digest_of([FORMAT, model.model_id, model.revision, str(model.dtype), list(map(list, prompts))])

    def activations(
        self,
        model: LoadedModel,
        prompts: Sequence[tuple[str, str]],
        *,
        on_step: OnStep | None = None,
        cancelled: IsCancelled | None = None,
    ) -> Activations:
        """Last-token residuals of the prompts, extracted where they are not there.

        Raises:
            PromptError: a prompt that cannot be used.
            Cancelled: what was extracted so far is kept.
        """
        folder = self.root / "activations" / self.activations_key(model, prompts)
        residuals, answers, done = open_arrays(folder, len(prompts), n_layers_stored(model), model.shape.d_model)
        if not done.all():
            pairs: list[TokenisedPair] = tokenise(model, prompts)
            extract(model, pairs, residuals, answers, done, on_step=on_step, cancelled=cancelled)
            for array in (residuals, answers, done):
                array.flush()  # type: ignore[attr-defined]
            self.trim(keep=folder)
        os.utime(folder)
        return Activations(residuals, answers)

    def probes(self, key: Sequence[Any], normaliser: Normaliser, compute: Callable[[], Probes]) -> Probes:
        """Fitted probes, computed where they are not there.

        Args:
            key: plain JSON values that decide the probes: method, layer, activations, training rows, settings.
        """
        path = self.root / "probes" / f"{digest_of([FORMAT, *key])}.npz"
        try:
            with np.load(path, allow_pickle=False) as found:
                parts = {name: found[name] for name in PARTS}
            os.utime(path)
            return Probes(method=str(key[0]), layer=int(key[1]), normaliser=normaliser, **parts)
        except (OSError, ValueError, KeyError):
            pass
        made = compute()
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{uuid.uuid4().hex}.npz")
        np.savez(partial, **{name: getattr(made, name) for name in PARTS})
        os.replace(partial, path)
        return made

    def array(self, key: Sequence[Any], compute: Callable[[], np.ndarray]) -> np.ndarray:
        """An array of numbers, computed where it is not there. ``key``: plain JSON values that decide it."""
        path = self.root / "probes" / f"{digest_of([FORMAT, *key])}.npy"
        try:
            return np.load(path, allow_pickle=False)
        except (OSError, ValueError):
            pass
        made = compute()
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{uuid.uuid4().hex}.npy")
        np.save(partial, made)
        os.replace(partial, path)
        return made

    def trim(self, *, keep: Path) -> None:
        """Remove the activations unused for longest until the rest is within the limit."""
        folders = sorted((self.root / "activations").iterdir(), key=lambda path: path.stat().st_mtime)
        sizes = {path: sum(file.stat().st_size for file in path.iterdir()) for path in folders}
        total = sum(sizes.values())
        for path in folders:
            if total <= self.limit:
                return
            if path != keep:
                shutil.rmtree(path, ignore_errors=True)
                total -= sizes[path]
