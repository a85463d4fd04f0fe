"""A distillation from one end to the other: boards, training, and what came of it; kept as an ordinary model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.labs.goals.distill.measure import Agreement, Behaviour, agreement, as_policy, behave, pupil_scores
from core.labs.goals.distill.network import Parameters, Size, as_hf
from core.labs.goals.distill.prompts import WORDS
from core.labs.goals.distill.states import Teacher, gather
from core.labs.goals.distill.training import Plan, Trainer
from core.models.toy import save_toy, word_tokenizer
from core.progress import IsCancelled, OnStep, Progress
from core.worlds.tasks.corner import CornerSettings

BOARDS, FRESH, EPISODES = 600_000, 20_000, 1_000
CHECKPOINT = "distill.safetensors"
SHIFTS = {"training": False, "away": True}


@dataclass(frozen=True, eq=False)
class Distilled:
    """A pupil and how it compares with its teacher.

    Attributes:
        agreement: on boards that neither the pupil nor any choice of its settings has seen.
        teacher, pupil: behaviour on training levels and on levels with the cheese away, by the keys of ``SHIFTS``.
    """

    weights: Parameters
    size: Size
    agreement: Agreement
    teacher: dict[str, Behaviour]
    pupil: dict[str, Behaviour]

    def to_json(self) -> dict[str, Any]:
        """The measures as JSON values."""
        behaviour = {who: {k: asdict(v) for k, v in getattr(self, who).items()} for who in ("teacher", "pupil")}
        return {"size": asdict(self.size), "agreement": asdict(self.agreement), **behaviour}


def distill(
    teacher: Teacher,
    settings: CornerSettings,
    plan: Plan,
    scratch: Path,
    *,
    boards: int = BOARDS,
    fresh: int = FRESH,
    episodes: int = EPISODES,
    on_step: OnStep | None = None,
    on_report: Callable[[int, float], None] | None = None,
    cancelled: IsCancelled | None = None,
) -> Distilled:
    """Distil a policy of the corner world; one that was cut off goes on from its checkpoint in ``scratch``.

    Args:
        settings: of the teacher's training.
        boards, fresh, episodes: how many to train on, to compare choices on, to compare behaviour on.
        on_report: told the step and the mean loss, every ``plan.every`` steps.

    Raises:
        Cancelled: its owner asked to stop; the checkpoint stays.
    """
    progress = Progress(plan.steps, on_step, cancelled)
    trainer = Trainer(plan, gather(teacher, settings, boards, np.random.default_rng((plan.seed, 1))))
    if (scratch / CHECKPOINT).exists():
        trainer.restore(scratch / CHECKPOINT)
    progress.done = trainer.step
    for step, loss in trainer.run():
        trainer.save(scratch / CHECKPOINT)
        if on_report is not None:
            on_report(step, loss)
        progress.advance(step - progress.done)
    scores = pupil_scores(trainer.weights, plan.size)
    unseen = gather(teacher, settings, fresh, np.random.default_rng((plan.seed, 2)))

    def behaviours(values: Teacher) -> dict[str, Behaviour]:
        return {
            name: behave(values, replace(settings, away=away), episodes, seed=plan.seed + 3)
            for name, away in SHIFTS.items()
        }

    weights = {name: tensor.detach() for name, tensor in trainer.weights.items()}
    found = agreement(scores, unseen)
    return Distilled(weights, plan.size, found, behaviours(teacher), behaviours(as_policy(scores)))


def save_distilled(distilled: Distilled, folder: Path) -> None:
    """Write the pupil as a folder that ``core.models.load.load_model`` reads."""
    save_toy(as_hf(distilled.weights, distilled.size), word_tokenizer(WORDS), folder)
