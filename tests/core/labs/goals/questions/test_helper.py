"""Talking to helpers whose manners are known, and a short training."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from core.errors import SpecError
from core.labs.goals.questions.helper import talk, train_helper
from core.labs.goals.questions.settings import PRESETS, QuestionSettings
from core.worlds.tasks.questions import ASK, EQUALS, LETTERS, SAY, WORDS, draw

TINY = QuestionSettings(steps=120, batch=32, width=16, heads=2, layers=1, dialogues=20)


def one_hot(words):
    """Logits [row, 1, word] that make these words the likeliest."""
    return torch.nn.functional.one_hot(torch.tensor([WORDS.index(word) for word in words]), len(WORDS)).float()[:, None]


def helper(next_word):
    """A model in place of a trained one: ``next_word`` of the words so far."""

    def hf(input_ids, use_cache):
        return SimpleNamespace(logits=one_hot([next_word([WORDS[i] for i in row]) for row in input_ids]))

    return hf


def evaluated(words):
    known = {words[i + 1]: words[i + 2] for i, word in enumerate(words[:-1]) if word == ASK}
    return str(eval(" ".join(known.get(word, word) for word in words[: words.index(EQUALS)])))


def good(words):
    """Asks for what is unknown, then answers."""
    unknown = [word for word in words[: words.index(EQUALS)] if word in LETTERS]
    asked = [words[i + 1] for i, word in enumerate(words[:-1]) if word == ASK]
    left = [letter for letter in unknown if letter not in asked]
    if words[-1] == ASK:
        return left[0] if left else "a"
    if words[-1] == SAY:
        return "0" if left else evaluated(words)
    return ASK if left else SAY


def asks_twice(words):
    """Asks twice whatever the expression: for its letters, then for its first term."""
    if words[-1] not in (ASK, SAY):
        return ASK if words.count(ASK) < 2 else SAY
    letters = [word for word in words[: words.index(EQUALS)] if word in LETTERS and word not in words[6:]]
    return good(words) if words[-1] == SAY else [*letters, words[0]][0]


@pytest.mark.parametrize("unknowns", [0, 1, 2])
def test_a_good_helper_asks_for_unknowns_alone_and_one_by_habit_twice(unknowns):
    some = draw(np.full(40, unknowns), np.random.default_rng(unknowns))
    found = talk(helper(good), some, np.random.default_rng(0))
    assert (found.questions == unknowns).all()
    assert (found.redundant == 0).all()
    assert found.right.all()
    habit = talk(helper(asks_twice), some, np.random.default_rng(0))
    assert (habit.questions == 2).all()
    assert (habit.redundant == 2 - unknowns).all()
    assert habit.right.all()
    if unknowns == 0:
        assert habit.able.all()


def test_one_that_never_answers_is_stopped_and_not_right():
    some = draw(np.full(10, 2), np.random.default_rng(1))
    found = talk(helper(lambda words: ASK if words[-1] != ASK else words[0]), some, np.random.default_rng(0))
    assert (found.questions == 3).all()
    assert not found.right.any()


def test_a_short_training_learns_when_to_ask_and_repeats_itself():
    losses = []
    first = train_helper(TINY, 0.0, 1, lambda step, loss: losses.append(loss))
    assert len(losses) == TINY.steps
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 1
    second = train_helper(TINY, 0.0, 1)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.parametrize(
    "wrong", [{"shares": ()}, {"shares": (0.1, 0.1)}, {"shares": (1.5,)}, {"width": 10}, {"seeds": 0}]
)
def test_settings_without_meaning_are_refused(wrong):
    with pytest.raises(SpecError):
        QuestionSettings(**wrong)
    assert PRESETS["small"].runs[:3] == [(0, 0.0, 0), (1, 0.0, 1), (2, 0.02, 0)]
