"""Training a row: its curve, progress, pause and going on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.agents.checkpoint import restore_row, save_row
from core.agents.dqn import Row
from core.agents.learning import Learning, Run
from core.agents.net import Net
from core.errors import Cancelled
from core.worlds.tasks.world import World

COLUMNS = ("reward", "intended", "proxy", "loss", "explores")
SAVE_SECONDS, SAVE_SHARE = 5.0, 0.05  # a checkpoint at the earliest then, and taking at most that share of the time
LOOK_EVERY = 16  # rounds between looks at the clock
Choose = Callable[[np.ndarray], np.ndarray]  # observations [copy, number] -> actions int64 [copy]
Watch = Callable[[World, Choose], dict[str, float]]
OnCurve = Callable[["Record", float], None]


@dataclass(frozen=True, eq=False)
class Record:
    """What is known of a row, finished or not.

    Attributes:
        net, flat: the networks, weights float32 [run, size].
        at: steps of a run's copies together at each point so far, int64 [point].
        columns: names of what was measured: ``COLUMNS``, then what ``watch`` gave.
        curve: [point, run, column]. Reward and what either goal pays are means a step, over all copies since the point
            before; loss and the exploring share are of the moment.
    """

    net: Net
    flat: Tensor
    at: np.ndarray
    columns: tuple[str, ...]
    curve: np.ndarray


def train(
    runs: tuple[Run, ...],
    learning: Learning,
    *,
    points: int = 40,
    watch: Watch | None = None,
    scratch: Path | None = None,
    on_curve: OnCurve | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Record:
    """Train every run of a row.

    Args:
        points: of the curve.
        watch: measures more at every point, from a run's training world as it stands and its policy; it must change
            neither. It gives the same names every time.
        scratch: the checkpoint's file; what lies there is gone on from, and it stays when training is done.
        on_curve: called at every point with the record so far and the share of the work done.

    Raises:
        Cancelled: ``cancelled()`` became true; with ``scratch``, the same call goes on to the same curve.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # on products so small a second thread spends its time waiting
    try:
        return _Course(runs, learning, points, watch, scratch).run(on_curve, cancelled)
    finally:
        torch.set_num_threads(before)


class _Course:
    """A row on its way, and its curve."""

    def __init__(
        self, runs: tuple[Run, ...], learning: Learning, points: int, watch: Watch | None, scratch: Path | None
    ):
        self.row, self.watch, self.file = Row(runs, learning), watch, scratch
        self.marks = np.unique(np.linspace(0, learning.rounds, points + 1).round().astype(np.int64))[1:]
        self.names: tuple[str, ...] = ()
        self.curve: list[np.ndarray] = []
        self.sums = np.zeros((3, len(runs)))
        if scratch and scratch.exists():
            stored = restore_row(self.row, scratch)
            self.sums, self.curve = stored["sums"], list(stored["curve"])

    def run(self, on_curve: OnCurve | None, cancelled: Callable[[], bool] | None) -> Record:
        self._name()
        saved, cost = time.monotonic(), 0.0
        while self.row.rounds < self.row.learning.rounds:
            self._round(on_curve)
            if self.row.rounds % LOOK_EVERY:
                continue
            stop = cancelled is not None and cancelled()
            now = time.monotonic()
            if stop or now - saved > max(SAVE_SECONDS, cost / SAVE_SHARE):
                self._save()
                saved = time.monotonic()
                cost = saved - now
            if stop:
                raise Cancelled
        self._save()
        return self.record()

    def _round(self, on_curve: OnCurve | None) -> None:
        now = self.row.round()
        self.sums += np.stack([now.reward.mean(1), now.intended.mean(1), now.proxy.mean(1)])
        if self.row.rounds == self.marks[len(self.curve)]:
            self.curve.append(self._measured())
            self.sums = np.zeros_like(self.sums)
            if on_curve:
                on_curve(self.record(), self.row.rounds / self.row.learning.rounds)

    def record(self) -> Record:
        at = self.marks[: len(self.curve)] * self.row.learning.copies
        curve = np.array(self.curve).reshape(len(self.curve), len(self.row.runs), len(COLUMNS) + len(self.names))
        return Record(self.row.net, self.row.flat.clone(), at, (*COLUMNS, *self.names), curve)

    def _measured(self) -> np.ndarray:
        """Values of the present point [run, column]."""
        since = self.row.rounds - (self.marks[len(self.curve) - 1] if self.curve else 0)
        explores = np.full(len(self.row.runs), self.row.learning.explores(self.row.rounds))
        values = np.stack([*self.sums / since, self.row.loss, explores], axis=1)
        return np.concatenate([values, self._watched()], axis=1)

    def _watched(self) -> np.ndarray:
        found = [self._watch(run) for run in range(len(self.row.runs))]
        return np.array([list(values.values()) for values in found]).reshape(len(found), -1)

    def _watch(self, run: int) -> dict[str, float]:
        if self.watch is None:
            return {}
        weights, net = self.row.flat[run : run + 1], self.row.net

        def choose(seen: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                return net(weights, torch.from_numpy(seen)[None])[0].argmax(1).numpy()

        return self.watch(self.row.players.worlds[run], choose)

    def _name(self) -> None:
        self.names = tuple(self._watch(0))

    def _save(self) -> None:
        if self.file:
            width = len(COLUMNS) + len(self.names)
            curve = np.array(self.curve).reshape(len(self.curve), len(self.row.runs), width)
            save_row(self.row, self.file, {"sums": self.sums, "curve": curve})
