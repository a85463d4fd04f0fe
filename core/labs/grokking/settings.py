"""Settings: all that decides an experiment, whatever its regime."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from core.errors import SpecError
from core.labs.grokking.tasks import make_task
from core.labs.grokking.training.row import Labels, Row, Run, Training, spread
from core.labs.grokking.training.sizes import Net
from core.runs.laboratory import plain_settings, with_tuples

Regime = Literal["grok", "nodecay", "ungrok", "semigrok", "efficiency"]
Preset = Literal["small", "paper"]
REGIMES: tuple[Regime, ...] = get_args(Regime)
PRESETS: tuple[Preset, ...] = get_args(Preset)
MOST_WORK = 5e16  # weights times examples seen; about a month on two cores
WORK_PER_SECOND = 2.3e9  # of one core: 16 000 weights times 140 000 examples a second


@dataclass(frozen=True)
class Settings:
    """All that decides an experiment.

    Attributes:
        sizes: training examples of the runs; with ``weight_decays`` and ``seeds`` they make a row of every combination.
        random_sizes: the same for runs on random labels (efficiency).
        pre_sizes, pre_steps, pre_lr, pre_decay: what one network a seed is trained on before the row begins
            (ungrokking), phase after phase, for how long, how fast, and under which weight decay. A small network
            that starts on the whole table may solve most of it and memorise the rest; one that groks a part first,
            and then sees all, has nothing memorised.
        moments: checkpoints kept of each run; 0: the last only.
    """

    regime: Regime
    operation: str
    p: int
    d_model: int
    n_heads: int
    d_mlp: int
    lr: float
    steps: int
    sizes: tuple[int, ...]
    weight_decays: tuple[float, ...] = (1.0,)
    seeds: tuple[int, ...] = (0,)
    random_sizes: tuple[int, ...] = ()
    anneal: float = 0.0
    pre_sizes: tuple[int, ...] = ()
    pre_steps: tuple[int, ...] = ()
    pre_lr: float = 0.0
    pre_decay: float = 1.0
    points: int = 100
    moments: int = 0

    def __post_init__(self) -> None:
        if self.regime not in REGIMES:
            raise SpecError(f"{self.regime!r} is not known.", where="regime", next_step=f"One of {', '.join(REGIMES)}.")
        if not self.seeds or not self.weight_decays or not (self.sizes or self.random_sizes):
            raise SpecError("Sizes, weight decays and seeds must each hold a value.", where="settings")
        if len(self.pre_sizes) != len(self.pre_steps) or (self.regime == "ungrok") != bool(self.pre_steps):
            raise SpecError("Ungrokking, and nothing else, begins with networks trained before.", where="pre_steps")
        _ = self.row(), self.pre_rows()  # refuse what cannot be
        if self.work > MOST_WORK:
            raise SpecError("This is more than a month's work on two cores.", next_step="Train fewer or shorter runs.")

    @property
    def net(self) -> Net:
        return Net(self.p, self.d_model, self.n_heads, self.d_mlp)

    @property
    def runs(self) -> tuple[Run, ...]:
        """The row: true labels first, then random ones; by weight decay, then size, then seed."""
        families: tuple[tuple[Labels, tuple[int, ...]], ...] = (("true", self.sizes), ("random", self.random_sizes))
        return tuple(
            Run(seed, size, decay, labels)
            for labels, sizes in families
            for decay in self.weight_decays
            for size in sizes
            for seed in self.seeds
        )

    @property
    def work(self) -> float:
        """Weights times examples seen, of the whole experiment; what its time is proportional to."""
        return float(self.net.size) * (self.steps * sum(run.n_train for run in self.runs) + self._pre_examples)

    @property
    def pre_share(self) -> float:
        """Share of the work that is done before the row begins."""
        return self.net.size * self._pre_examples / self.work

    @property
    def _pre_examples(self) -> int:
        return len(self.seeds) * sum(size * steps for size, steps in zip(self.pre_sizes, self.pre_steps))

    def row(self) -> Row:
        """What is trained."""
        training = Training(self.steps, self.lr, anneal=self.anneal, points=self.points)
        kept = tuple(spread(self.steps, self.moments)) if self.moments else ()
        return Row(make_task(self.operation, self.p), self.net, training, self.runs, kept)

    def pre_rows(self) -> list[Row]:
        """What is trained before, one run a seed, each row from the end of the last."""
        task = make_task(self.operation, self.p)
        rows = []
        for size, steps in zip(self.pre_sizes, self.pre_steps):
            # The rate falls in the last part, so that no run is handed on in the middle of a spike.
            training = Training(steps, self.pre_lr, anneal=0.3, points=40)
            rows.append(Row(task, self.net, training, tuple(Run(seed, size, self.pre_decay) for seed in self.seeds)))
        return rows

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return plain_settings(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Settings:
        """The inverse of ``to_json``.

        Raises:
            SpecError: fields are missing, unknown or of the wrong kind.
        """
        try:
            return cls(**with_tuples(data))
        except (TypeError, ValueError) as error:
            raise SpecError("The description of the experiment cannot be read.", where="settings") from error


def smaller(settings: Settings, **changes: Any) -> Settings:
    """The same experiment with other values, checked again."""
    return replace(settings, **changes)


def seconds_for(settings: Settings, *, cores: int | None = None) -> float:
    """Rough time of an experiment on so many idle cores; default: all of this machine."""
    return settings.work / WORK_PER_SECOND / max(1, min(cores or os.cpu_count() or 1, len(settings.runs)))
