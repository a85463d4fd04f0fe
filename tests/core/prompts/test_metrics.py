"""Metrics on logits whose values are known by hand."""

import math

import pytest
import torch

from core.prompts.metrics import Metric, kl, log_prob, logit_diff, prob
from tests.tiny import token_pair

LOGITS = torch.tensor([[0.0, math.log(3.0), 0.0], [2.0, 2.0, 2.0]])


def test_by_hand():
    answer, distractor = torch.tensor([1, 0]), torch.tensor([0, 2])
    torch.testing.assert_close(logit_diff(LOGITS, answer, distractor), torch.tensor([math.log(3.0), 0.0]))
    torch.testing.assert_close(prob(LOGITS, answer), torch.tensor([0.6, 1 / 3]))
    torch.testing.assert_close(log_prob(LOGITS, answer), torch.tensor([0.6, 1 / 3]).log())
    expected = 0.6 * math.log(0.6 * 3) + 2 * 0.2 * math.log(0.2 * 3)
    assert float(kl(LOGITS[1:], LOGITS[:1])) == pytest.approx(expected, abs=1e-6)
    assert float(kl(LOGITS[:1], LOGITS[:1])) == 0


def test_logit_difference_needs_only_the_answers_columns():
    pairs = [token_pair(0, [1, 2], [1, 3], 7, 4), token_pair(1, [1, 2], [1, 3], 4, 9)]
    metric = Metric.of("logit_diff", pairs)
    assert metric.columns.tolist() == [4, 7, 9]
    logits = torch.randn(3, 12, generator=torch.Generator().manual_seed(0))
    rows = torch.tensor([1, 0, 1])
    expected = torch.stack([logits[0, 4] - logits[0, 9], logits[1, 7] - logits[1, 4], logits[2, 4] - logits[2, 9]])
    torch.testing.assert_close(metric(logits[:, metric.columns], rows), expected)


def test_half_precision_logits_are_read_in_float32():
    value = log_prob(LOGITS.half(), torch.tensor([1, 0]))
    assert value.dtype == torch.float32
    assert float(value[0]) == pytest.approx(math.log(0.6), abs=1e-3)
