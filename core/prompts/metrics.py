"""Metrics: what is read off logits, ``[batch, vocab] -> [batch]``, in float32.

With A the tokens that count as right, D those that count as wrong, z the logits and p = softmax(z) after the last token
of the prompt:

``logit_diff``       mean of z over A minus mean of z over D (logits)
``logit_diff_lse``   log sum exp(z) over A minus log sum exp(z) over D (logits): the log of the ratio of their masses
``prob_diff``        sum of p over A minus sum of p over D, as published for greater-than (Hanna et al. 2023)
``log_prob``         log of the sum of p over A (nats)
``prob``             sum of p over A
``answer_log_prob``  log-probability of an answer of several tokens in a row a1 .. am, teacher-forced (nats):
                     sum over i of log p(ai | prompt, a1 .. a(i-1)); an answer of one token has its ``log_prob``.
                     The answer's tokens but the last follow both prompts; patches stay within the prompt
``kl``               KL divergence of the run from the clean run, KL(clean || run) (nats); 0 at the clean run

Where A and D are one token each, the first three are what their names say of two tokens. The distractor has no
log-probability beside that of a whole answer: it would take a forward of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from core.errors import PromptError
from core.prompts.pairs import TokenPair, refuse_rest
from core.terms import MetricName

OF_LOGITS: tuple[MetricName, ...] = ("logit_diff", "logit_diff_lse")  # need the logits of answers and distractors only
PAD = -1  # fills up the shorter sets of a batch


def logit_diff(logits: Tensor, answer: Tensor, distractor: Tensor) -> Tensor:
    """``answer`` and ``distractor`` name columns, ``[batch]`` or, padded with -1, ``[batch, member]``."""
    if answer.ndim == distractor.ndim == 1:
        return (_pick(logits, answer) - _pick(logits, distractor)).float()
    return _mean(logits, answer) - _mean(logits, distractor)


def logit_diff_lse(logits: Tensor, answer: Tensor, distractor: Tensor) -> Tensor:
    return _log_sum(logits, answer) - _log_sum(logits, distractor)


def prob_diff(logits: Tensor, answer: Tensor, distractor: Tensor) -> Tensor:
    return prob(logits, answer) - prob(logits, distractor)


def log_prob(logits: Tensor, answer: Tensor) -> Tensor:
    chances = logits.float().log_softmax(-1)
    return _pick(chances, answer) if answer.ndim == 1 else _log_sum(chances, answer)


def prob(logits: Tensor, answer: Tensor) -> Tensor:
    return log_prob(logits, answer).exp()


def answer_log_prob(logits: Tensor, answer: Tensor) -> Tensor:
    """Log-probability of token sequences ``[batch, token]``; row ``i * token + t`` of the logits predicts token t of
    answer i."""
    return log_prob(logits, answer.flatten()).unflatten(0, answer.shape).sum(-1)


def kl(logits: Tensor, clean_logits: Tensor) -> Tensor:
    reference = clean_logits.float().log_softmax(-1)
    return (reference.exp() * (reference - logits.float().log_softmax(-1))).sum(-1)


def _pick(values: Tensor, column: Tensor) -> Tensor:
    return values.gather(-1, column.to(values.device)[:, None]).squeeze(-1)


def _members(values: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Values of a padded set's members ``[batch, member]`` in float32, and which of them are real."""
    columns = columns.to(values.device).reshape(len(columns), -1)
    return values.gather(-1, columns.clamp_min(0)).float(), columns != PAD


def _mean(values: Tensor, columns: Tensor) -> Tensor:
    members, real = _members(values, columns)
    return members.masked_fill(~real, 0).sum(-1) / real.sum(-1)


def _log_sum(values: Tensor, columns: Tensor) -> Tensor:
    members, real = _members(values, columns)
    return members.masked_fill(~real, -torch.inf).logsumexp(-1)


@dataclass(frozen=True)
class Metric:
    """A metric bound to the pairs of one batch.

    ``answer`` and ``distractor`` are ``[pair]`` where each is one token in all pairs, else ``[pair, member]``, padded
    with -1; ``answer`` of ``answer_log_prob`` is ``[pair, token]``. ``columns`` are the vocabulary entries the logits
    must hold, in that order; None means all of them.
    """

    name: MetricName
    answer: Tensor
    distractor: Tensor
    columns: Tensor | None
    clean_logits: Tensor | None = None

    @classmethod
    def of(cls, name: MetricName, pairs: Sequence[TokenPair]) -> Metric:
        """The metric for these pairs; a KL metric still needs ``with_reference``.

        Raises:
            PromptError: an answer of several tokens in a row for a metric that reads one, or several answers for
                ``answer_log_prob``.
        """
        if name == "answer_log_prob":
            return cls(name, _whole_answers(pairs), torch.empty(len(pairs), 0), None)
        refuse_rest(pairs, f"the metric {name}")
        answer = _padded([pair.answer_ids for pair in pairs])
        distractor = _padded([pair.distractor_ids for pair in pairs])
        if name not in OF_LOGITS:
            return cls(name, answer, distractor, None)
        ids = torch.cat([answer.flatten(), distractor.flatten()])
        columns = ids[ids != PAD].unique()
        return cls(name, _places(answer, columns), _places(distractor, columns), columns)

    def with_reference(self, clean_logits: Tensor) -> Metric:
        """The same metric, knowing the clean run's logits (used by KL only)."""
        return replace(self, clean_logits=clean_logits)

    @property
    def forced(self) -> Tensor:
        """Tokens to be fed after each prompt, ``[pair, token]``: a whole answer but for its last, else none."""
        return self.answer[:, :-1] if self.name == "answer_log_prob" else self.answer.new_empty(len(self.answer), 0)

    def __call__(self, logits: Tensor, rows: Tensor) -> Tensor:
        """Metric of each row: row i belongs to pair ``rows[i]``. Its logits are row i; for ``answer_log_prob`` they are
        as many rows as the answers have tokens, next to each other."""
        rows = rows.cpu()
        if self.name == "kl":
            assert self.clean_logits is not None
            return kl(logits, self.clean_logits[rows.to(self.clean_logits.device)])
        if self.name in _OF_TWO:
            return _OF_TWO[self.name](logits, self.answer[rows], self.distractor[rows])
        return _OF_ANSWER[self.name](logits, self.answer[rows])


_OF_TWO = {"logit_diff": logit_diff, "logit_diff_lse": logit_diff_lse, "prob_diff": prob_diff}
_OF_ANSWER = {"log_prob": log_prob, "prob": prob, "answer_log_prob": answer_log_prob}


def _padded(sets: Sequence[tuple[int, ...]]) -> Tensor:
    """``[pair]`` where every set has one member, else ``[pair, member]``."""
    width = max(map(len, sets))
    table = torch.tensor([[*ids, *[PAD] * (width - len(ids))] for ids in sets])
    return table[:, 0] if width == 1 else table


def _places(ids: Tensor, columns: Tensor) -> Tensor:
    return torch.where(ids == PAD, PAD, torch.searchsorted(columns, ids))


def _whole_answers(pairs: Sequence[TokenPair]) -> Tensor:
    for pair in pairs:
        if len(pair.answer_ids) > 1:
            raise PromptError(
                f"The metric answer_log_prob reads one answer; there are {len(pair.answer_ids)}.",
                where=f"row {pair.row + 1}",
                next_step="Choose log_prob, which reads the probability of all of them, or keep one.",
            )
    return torch.tensor([(*pair.answer_ids, *pair.rest_ids) for pair in pairs])
