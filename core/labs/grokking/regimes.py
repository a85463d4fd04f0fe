"""The experiments: what is trained for each of the paper's claims, at two sizes.

Small presets fit two cores and minutes. Paper presets have the paper's task and network (addition modulo 113, width
128, learning rate 1e-3) and its set sizes; where the paper trains for millions of steps they stop earlier.

The small grokking preset (half of the table, learning rate 0.01, weight decay 0.3) was chosen among nine, on seeds 0 to
19, for a delay that is long enough to see and short enough to wait for, whatever the seed.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from core.errors import SpecError
from core.labs.grokking.tasks import make_task
from core.labs.grokking.training.row import Labels, Row, Run, Training, spread
from core.labs.grokking.training.sizes import Net

Regime = Literal["grok", "nodecay", "ungrok", "semigrok", "efficiency"]
Preset = Literal["small", "paper"]
REGIMES: tuple[Regime, ...] = get_args(Regime)
PRESETS: tuple[Preset, ...] = get_args(Preset)
TITLES: dict[str, str] = {
    "grok": "Grokking",
    "nodecay": "No weight decay",
    "ungrok": "Ungrokking",
    "semigrok": "Semi-grokking",
    "efficiency": "Efficiency",
}
MOST_WORK = 5e16  # weights times examples seen; about a month on two cores
WORK_PER_SECOND = 2.3e9  # of one core: 16 000 weights times 140 000 examples a second
MOMENTS = 24  # checkpoints of each run where they are kept


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
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Settings:
        """The inverse of ``to_json``.

        Raises:
            SpecError: fields are missing, unknown or of the wrong kind.
        """
        try:
            values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise SpecError("The description of the experiment cannot be read.", where="settings") from error


_P53 = {"operation": "x + y", "p": 53, "d_model": 32, "n_heads": 4, "d_mlp": 128}
_P113 = {"operation": "x + y", "p": 113, "d_model": 128, "n_heads": 4, "d_mlp": 512, "lr": 1e-3}
# regime -> preset -> settings, number of seeds among them
_TABLE: dict[str, dict[str, Any]] = {
    "grok small": _P53
    | {"lr": 1e-2, "steps": 8500, "sizes": (1404,), "weight_decays": (0.3,), "seeds": 2, "moments": MOMENTS},
    "grok paper": _P113 | {"steps": 20_000, "sizes": (3830,), "seeds": 1, "moments": MOMENTS, "points": 200},
    "nodecay small": _P53 | {"lr": 1e-2, "steps": 7000, "sizes": (1404,), "weight_decays": (0.0, 0.1, 0.3), "seeds": 2},
    "nodecay paper": _P113 | {"steps": 40_000, "sizes": (3830,), "weight_decays": (0.0, 0.3, 1.0), "seeds": 1},
    "ungrok small": _P53
    | {
        "lr": 5e-3,
        "steps": 2500,
        "pre_sizes": (1404, 2809),
        "pre_steps": (4000, 300),
        "pre_lr": 1e-2,
        "pre_decay": 0.3,
        "sizes": (84, 140, 197, 281, 365, 449, 562, 702),
    }
    | {"weight_decays": (0.5, 1.0), "seeds": 2, "points": 40, "anneal": 0.2},
    "ungrok paper": _P113
    | {
        "steps": 20_000,
        "pre_sizes": (3830, 12_769),
        "pre_steps": (15_000, 500),
        "pre_lr": 1e-3,
        "sizes": (390, 488, 610, 763, 955, 1194, 1494),
    }
    | {"weight_decays": (0.5, 1.0), "seeds": 10, "anneal": 0.2},
    "semigrok small": {"operation": "x + y", "p": 41, "d_model": 24, "n_heads": 4, "d_mlp": 96, "lr": 1e-2}
    | {"steps": 12_000, "sizes": (440, 480, 520, 560), "seeds": 4, "points": 120},
    "semigrok paper": _P113
    | {"steps": 1_000_000, "sizes": (1500, 1600, 1700, 1800, 1900, 2000, 2050), "seeds": 8, "points": 400},
    "efficiency small": _P53
    | {"lr": 5e-3, "steps": 3000, "anneal": 0.4, "sizes": (1400, 1700, 2000), "points": 40}
    | {"random_sizes": (150, 250, 350, 500, 700, 900), "weight_decays": (0.5, 1.0), "seeds": 2},
    "efficiency paper": _P113
    | {"steps": 30_000, "anneal": 0.4, "sizes": (4000, 6000, 8000, 10_000)}
    | {"random_sizes": (500, 750, 1000, 1500, 2000, 3000), "weight_decays": (0.3, 0.5, 1.0), "seeds": 3},
}


def preset(regime: str, size: str = "small", *, seed: int = 0) -> Settings:
    """The experiment of a regime; its seeds count up from ``seed``.

    Raises:
        SpecError: an unknown name or a negative seed.
    """
    if f"{regime} {size}" not in _TABLE:
        raise SpecError(f"There is no {size!r} preset of {regime!r}.", where="preset")
    if seed < 0:
        raise SpecError("The seed must not be negative.", where="seed")
    values = _TABLE[f"{regime} {size}"]
    seeds = tuple(range(seed, seed + values["seeds"]))
    return Settings(regime=regime, **{**values, "seeds": seeds})  # type: ignore[arg-type]


def smaller(settings: Settings, **changes: Any) -> Settings:
    """The same experiment with other values, checked again."""
    return replace(settings, **changes)


def seconds_for(settings: Settings, *, cores: int | None = None) -> float:
    """Rough time of an experiment on so many idle cores; default: all of this machine."""
    return settings.work / WORK_PER_SECOND / max(1, min(cores or os.cpu_count() or 1, len(settings.runs)))
