"""Metrics: what is read off the last position's logits, ``[batch, vocab] -> [batch]``, in float32.

``logit_diff``  logit of the answer minus logit of the distractor (logits)
``log_prob``    log-probability of the answer (nats)
``prob``        probability of the answer
``kl``          KL divergence of the run from the clean run, KL(clean || run) (nats); 0 at the clean run
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.prompts.pairs import TokenPair
from core.terms import MetricName

UNITS: dict[MetricName, str] = {"logit_diff": "logits", "log_prob": "nats", "prob": "probability", "kl": "nats"}


def logit_diff(logits: Tensor, answer: Tensor, distractor: Tensor) -> Tensor:
    return (_pick(logits, answer) - _pick(logits, distractor)).float()


def log_prob(logits: Tensor, answer: Tensor) -> Tensor:
    return _pick(logits.float().log_softmax(-1), answer)


def prob(logits: Tensor, answer: Tensor) -> Tensor:
    return log_prob(logits, answer).exp()


def kl(logits: Tensor, clean_logits: Tensor) -> Tensor:
    reference = clean_logits.float().log_softmax(-1)
    return (reference.exp() * (reference - logits.float().log_softmax(-1))).sum(-1)


def _pick(values: Tensor, column: Tensor) -> Tensor:
    return values.gather(-1, column.to(values.device)[:, None]).squeeze(-1)


@dataclass(frozen=True)
class Metric:
    """A metric bound to the pairs of one batch; row i of the logits belongs to pair ``rows[i]``.

    ``columns`` are the vocabulary entries the logits must hold, in that order; None means all of them.
    """

    name: MetricName
    answer: Tensor
    distractor: Tensor
    columns: Tensor | None
    clean_logits: Tensor | None = None

    @classmethod
    def of(cls, name: MetricName, pairs: Sequence[TokenPair]) -> Metric:
        """The metric for these pairs; a KL metric still needs ``with_reference``."""
        answer = torch.tensor([pair.answer_id for pair in pairs])
        distractor = torch.tensor([pair.distractor_id for pair in pairs])
        if name != "logit_diff":
            return cls(name, answer, distractor, None)
        columns, places = torch.cat([answer, distractor]).unique(return_inverse=True)
        return cls(name, places[: len(pairs)], places[len(pairs) :], columns)

    def with_reference(self, clean_logits: Tensor) -> Metric:
        """The same metric, knowing the clean run's logits (used by KL only)."""
        return Metric(self.name, self.answer, self.distractor, self.columns, clean_logits)

    def __call__(self, logits: Tensor, rows: Tensor) -> Tensor:
        """Metric of each row; ``rows`` holds each row's pair."""
        rows = rows.cpu()
        if self.name == "logit_diff":
            return logit_diff(logits, self.answer[rows], self.distractor[rows])
        if self.name == "kl":
            assert self.clean_logits is not None
            return kl(logits, self.clean_logits[rows.to(self.clean_logits.device)])
        return (log_prob if self.name == "log_prob" else prob)(logits, self.answer[rows])
