"""What the model says to each pair, read in one pass: both logit differences, the answer's place, and one patch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.progress import Progress
from core.prompts.doctor.finding import Case
from core.prompts.doctor.places import differing
from core.prompts.pairs import TokenPair, group_by_length
from core.terms import NODE_KINDS

if TYPE_CHECKING:
    from core.models.load import LoadedModel
    from core.patching.question import Question

TOKENS = 256  # of both prompts in one forward: activations of every layer are kept while it lasts


@dataclass(frozen=True)
class Measured:
    """One pair as the model sees it.

    Attributes:
        clean, corrupt: logit(answer) − logit(distractor) after each prompt (logits).
        patched: the same after the clean prompt whose residual stream before the first block is the corrupt prompt's
            wherever their tokens differ; that run is the corrupt run.
        probability: of the answer (of all its tokens, where several count) after the clean prompt.
        rank: of the answer, of the likeliest of its tokens, among all tokens; that of the likeliest token is 1.
    """

    clean: float
    corrupt: float
    patched: float
    probability: float
    rank: int

    @property
    def gap(self) -> float:
        """What patching moves: the clean run's logit difference minus the corrupt run's."""
        return self.clean - self.corrupt


@dataclass(frozen=True)
class Looked:
    """A set, the model, and what the model said to each row that can be run.

    ``compare`` asks for the comparison of precisions also where the model is in float32.
    """

    case: Case
    model: LoadedModel
    measured: Mapping[int, Measured]
    compare: bool
    progress: Progress

    @property
    def typical_gap(self) -> float:
        """Median size of the gap over the set (logits); 0 for an empty one."""
        return float(np.median([abs(m.gap) for m in self.measured.values()])) if self.measured else 0.0


def measure(model: LoadedModel, pairs: tuple[TokenPair, ...], progress: Progress) -> dict[int, Measured]:
    """Row -> what the model says to the pair."""
    from core.patching.question import ask

    measured: dict[int, Measured] = {}
    for part in _parts(pairs):
        progress.check()
        question = ask(model, part, kinds=("resid_pre",), metric="logit_diff", direction="noising")
        measured |= dict(zip((pair.row for pair in part), _read(question)))
        progress.advance(len(part))
    return measured


def _parts(pairs: tuple[TokenPair, ...]) -> Iterator[tuple[TokenPair, ...]]:
    for length, group in group_by_length(pairs).items():
        size = max(1, TOKENS // (2 * length))
        yield from (group[first : first + size] for first in range(0, len(group), size))


def _read(question: Question) -> list[Measured]:
    import torch

    from core.patching.forward import logits_at
    from core.prompts.metrics import Metric

    n = len(question.pairs)
    clean, corrupt = question.values[:n], question.values[n:]
    patched = np.array(clean) + _all_differences(question)
    logits = logits_at(question.model, question.run.inputs[-1][:n, -1]).float()  # [pair, vocab]
    chances = Metric.of("prob", question.pairs)(logits, torch.arange(n)).tolist()
    best = [row[torch.tensor(pair.answer_id).reshape(-1)].max() for pair, row in zip(question.pairs, logits)]
    ranks = [1 + int((row > value).sum()) for row, value in zip(logits, best)]
    return [Measured(*found) for found in zip(clean, corrupt, patched.tolist(), chances, ranks)]


def _all_differences(question: Question) -> np.ndarray:
    """Effect of patching the residual stream before the first block at every differing position at once, ``[pair]``."""
    from core.patching.nodes import Nodes
    from core.patching.subsets import joint_effects

    positions = np.array(sorted({position for pair in question.pairs for position in differing(pair)}))
    nothing = np.zeros_like(positions)
    nodes = Nodes(np.full_like(positions, NODE_KINDS.index("resid_pre")), nothing, positions, nothing)
    members = np.array([np.isin(positions, differing(pair)) for pair in question.pairs])
    return joint_effects(question, nodes, members, range(len(question.pairs)))
