"""Settings of a study of questions: all that decides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.errors import SpecError
from core.runs.laboratory import LabSpec, plain_settings
from core.terms import counted


@dataclass(frozen=True)
class QuestionSettings:
    """All that decides a study; the defaults are those of the small preset.

    Attributes:
        shares: of training dialogues without unknowns; a helper is trained for each, the others have two unknowns.
        seed, seeds: the first seed and how many; every share trains with each.
        steps, batch: of training, in dialogues.
        layers, heads, width: of the helper; its MLPs are four times as wide.
        rate: highest learning rate; a short rise, then half a cosine.
        dialogues: tried for each number of unknowns.
    """

    shares: tuple[float, ...] = (0.0, 0.02, 0.1, 0.3)
    seed: int = 0
    seeds: int = 2
    steps: int = 1000
    batch: int = 256
    layers: int = 2
    heads: int = 4
    width: int = 64
    rate: float = 3e-3
    dialogues: int = 500

    def __post_init__(self) -> None:
        if (
            not self.shares
            or len(set(self.shares)) < len(self.shares)
            or not 0 <= min(self.shares) <= max(self.shares) <= 1
        ):
            raise SpecError("The shares must be different numbers from 0 to 1.", where="shares")
        if min(self.seeds, self.steps, self.batch, self.layers, self.heads, self.dialogues) < 1 or self.seed < 0:
            raise SpecError("Sizes must be at least 1, and the first seed not negative.", where="settings")
        if self.width % self.heads:
            raise SpecError(f"The width {self.width} does not go into {self.heads} heads.", where="width")

    @property
    def runs(self) -> list[tuple[int, float, int]]:
        """Number, share and seed of every helper: shares in order, seeds within each."""
        seeds = range(self.seed, self.seed + self.seeds)
        pairs = [(share, seed) for share in self.shares for seed in seeds]
        return [(run, share, seed) for run, (share, seed) in enumerate(pairs)]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return plain_settings(self)


PRESETS = {
    "small": QuestionSettings(),
    # Wider, longer, more shares and seeds. The paper's own example prompts a model of 280 billion parameters.
    "paper": QuestionSettings(shares=(0.0, 0.01, 0.02, 0.05, 0.1, 0.3, 0.5), seeds=3, steps=6000, width=128, rate=2e-3),
}


def setting_name(share: float) -> str:
    """A training in words, as tables name it."""
    return f"share_none={share:g}"


def spec_of(settings: QuestionSettings) -> LabSpec:
    """The run that these settings make."""
    title = f"Questions: {counted(len(settings.shares), 'training')}, {counted(settings.seeds, 'seed')}"
    return LabSpec("goals", title, settings={"world": "questions", **settings.to_json()})
