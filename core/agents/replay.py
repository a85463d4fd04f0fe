"""Memory of transitions, for all runs of a row: a ring in which the newest take the place of the oldest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Transitions:
    """Some transitions of every run.

    Attributes:
        seen, later: what was seen first, and where the value is asked next, float32 [run, n, number].
        action: int64 [run, n].
        reward: discounted sum up to there, float32 [run, n].
        discount: what the later value is worth, float32 [run, n]; 0 where nothing follows.
    """

    seen: np.ndarray
    later: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    discount: np.ndarray


class Replay:
    """The ring.

    Args:
        size: transitions of each run.
        number: of numbers in an observation.
        bits: they are all 0 or 1; eight of them share a byte.
    """

    def __init__(self, runs: int, size: int, number: int, *, bits: bool):
        self.size, self.number, self.bits = size, number, bits
        width, dtype = ((number + 7) // 8, np.uint8) if bits else (number, np.float32)
        self.arrays = {
            "seen": np.zeros((runs, size, width), dtype),
            "later": np.zeros((runs, size, width), dtype),
            "action": np.zeros((runs, size), np.uint8),
            "reward": np.zeros((runs, size), np.float32),
            "discount": np.zeros((runs, size), np.float32),
        }
        self.added = 0

    def __len__(self) -> int:
        return min(self.added, self.size)

    def add(self, new: Transitions) -> None:
        """Keep these, as many of every run."""
        place = (self.added + np.arange(new.action.shape[1])) % self.size
        for name, kept in self.arrays.items():
            values = getattr(new, name)
            kept[:, place] = self._packed(values) if name in ("seen", "later") else values
        self.added += new.action.shape[1]

    def draw(self, count: int, rngs: list[np.random.Generator]) -> Transitions:
        """So many of every run, each by its own generator, with repetition."""
        which = np.stack([rng.integers(0, len(self), count) for rng in rngs])
        found = {name: kept[np.arange(len(kept))[:, None], which] for name, kept in self.arrays.items()}
        found |= {name: self._unpacked(found[name]) for name in ("seen", "later")}
        return Transitions(**found | {"action": found["action"].astype(np.int64)})

    def _packed(self, seen: np.ndarray) -> np.ndarray:
        return np.packbits(seen != 0, axis=-1) if self.bits else seen

    def _unpacked(self, kept: np.ndarray) -> np.ndarray:
        return np.unpackbits(kept, axis=-1, count=self.number).astype(np.float32) if self.bits else kept
