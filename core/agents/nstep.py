"""N-step returns that end where episodes do.

A transition begins at one step and asks for the next value ``n`` steps later, or at the end of its episode. An episode
that is over is worth nothing more. One that was only cut off would have gone on: its value is asked of the state that
it had reached, not of the first state of the next episode (Pardo et al. 2018).
"""

from __future__ import annotations

from collections import deque

import numpy as np

from core.agents.replay import Transitions


class NStep:
    """The last ``n`` steps of every run and copy.

    Args:
        n: how many.
        gamma: discount a step.
    """

    NAMES = ("seen", "action", "reward", "terminated", "ended", "later")

    def __init__(self, n: int, gamma: float):
        self.n, self.gamma = n, gamma
        self.steps: deque[tuple[np.ndarray, ...]] = deque(maxlen=n)

    def add(self, *step: np.ndarray) -> Transitions | None:
        """Take one step, arrays [run, copy, ..] in the order of ``NAMES``; ``later`` is what the step led to.

        Returns:
            The transition that began ``n`` steps ago; None while there are fewer.
        """
        self.steps.append(step)
        return self._joined() if len(self.steps) == self.n else None

    def _joined(self) -> Transitions:
        seen, action, reward, terminated, ended, later = self.steps[0]
        total, going = reward.astype(np.float32), ~ended
        worth = np.where(terminated, 0, self.gamma).astype(np.float32)
        for k, (_, _, reward, terminated, ended, reached) in enumerate(list(self.steps)[1:], 1):
            total = total + np.where(going, self.gamma**k * reward, 0)
            worth = np.where(going, np.where(terminated, 0, self.gamma ** (k + 1)), worth)
            later = np.where(going[..., None], reached, later)
            going = going & ~ended
        return Transitions(seen, later, action, total.astype(np.float32), worth.astype(np.float32))
