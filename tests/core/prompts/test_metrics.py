"""Metrics on logits whose values are known by hand."""

import math

import pytest
import torch

from core.errors import PromptError
from core.prompts.metrics import Metric, answer_log_prob, kl, log_prob, logit_diff, logit_diff_lse, prob, prob_diff
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


SETS = (
    torch.tensor([[0, 1], [0, -1]]),
    torch.tensor([[2, -1], [1, 2]]),
)  # -1 pads: {0, 1} against {2}, {0} against {1, 2}


def test_sets_by_hand():
    logits = torch.tensor([[math.log(2.0), math.log(3.0), 0.0]]).repeat(2, 1)  # probabilities 2/6, 3/6, 1/6
    expected = torch.tensor([math.log(6.0) / 2, math.log(2.0) - math.log(3.0) / 2])
    torch.testing.assert_close(logit_diff(logits, *SETS), expected)
    torch.testing.assert_close(logit_diff_lse(logits, *SETS), torch.tensor([5.0, 2 / 4]).log())
    torch.testing.assert_close(prob_diff(logits, *SETS), torch.tensor([5 - 1, 2 - 4]) / 6)
    torch.testing.assert_close(prob(logits, SETS[0]), torch.tensor([5 / 6, 2 / 6]))
    torch.testing.assert_close(log_prob(logits, SETS[0]), torch.tensor([5 / 6, 2 / 6]).log())


def test_a_set_of_one_gives_the_number_of_the_one_token_to_the_last_bit():
    logits = torch.randn(3, 50, generator=torch.Generator().manual_seed(1))
    answer, distractor = torch.tensor([1, 4, 9]), torch.tensor([2, 2, 30])
    for metric in (logit_diff, logit_diff_lse, prob_diff):
        assert torch.equal(metric(logits, answer[:, None], distractor[:, None]), metric(logits, answer, distractor))
    assert torch.equal(logit_diff_lse(logits, answer, distractor), logit_diff(logits, answer, distractor))
    assert torch.equal(log_prob(logits, answer[:, None]), log_prob(logits, answer))


def test_a_whole_answer_is_the_sum_of_its_tokens():
    logits = torch.tensor([[0.0, math.log(3.0)], [0.0, 0.0], [0.0, math.log(4.0)], [0.0, math.log(9.0)]])
    value = answer_log_prob(logits, torch.tensor([[1, 0], [0, 1]]))
    torch.testing.assert_close(value, torch.tensor([3 / 4 * 1 / 2, 1 / 5 * 9 / 10]).log())


def test_sets_of_several_sizes_share_their_columns():
    sets = [token_pair(0, [1, 2], [1, 3], (7, 3), 4), token_pair(1, [1, 2], [1, 3], 4, (9, 2, 3))]
    metric = Metric.of("logit_diff", sets)
    assert metric.columns.tolist() == [2, 3, 4, 7, 9]
    logits = torch.randn(2, 12, generator=torch.Generator().manual_seed(0))
    found = metric(logits[:, metric.columns], torch.tensor([1, 0]))
    expected = [logits[0, 4] - logits[0, [9, 2, 3]].mean(), logits[1, [7, 3]].mean() - logits[1, 4]]
    torch.testing.assert_close(found, torch.stack(expected))


def test_answers_that_a_metric_cannot_read_are_refused_with_their_row():
    with pytest.raises(PromptError, match=r"row 4: .*reads one answer; there are 2"):
        Metric.of("answer_log_prob", [token_pair(3, [1, 2], [1, 3], (7, 3), 4)])
