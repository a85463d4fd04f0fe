"""Expressions and dialogues, against values worked out by reading the words."""

import numpy as np
import pytest

from core.worlds.tasks.questions import LENGTH, PROMPT, WORDS, Expressions, dialogues, draw, mixed, prompts, replies


def text(tokens):
    return " ".join(WORDS[token] for token in tokens)


def hand():
    """a + 7 - b with a = 3, b = 2; and 4 - 9 - 9."""
    return Expressions(
        np.array([[3, 7, 2], [4, 9, 9]]), np.array([[0, -1, 1], [-1, -1, -1]]), np.array([[1, -1], [-1, -1]])
    )


def test_a_dialogue_asks_for_what_is_unknown_and_answers():
    tokens, chosen = dialogues(hand())
    assert text(tokens[0]) == "a + 7 - b = ask a 3 ask b 2 say 8"
    assert text(tokens[1]) == "4 - 9 - 9 = say -14" + " end" * 6
    assert [WORDS[i] for i in tokens[0][chosen[0]]] == ["ask", "a", "ask", "b", "say", "8"]
    assert [WORDS[i] for i in tokens[1][chosen[1]]] == ["say", "-14"]
    assert hand().unknowns.tolist() == [2, 0]


@pytest.mark.parametrize("unknowns", [0, 1, 2])
def test_every_dialogue_reads_as_its_expression_says(unknowns):
    some = draw(np.full(200, unknowns), np.random.default_rng(unknowns))
    assert (some.unknowns == unknowns).all()
    for tokens in dialogues(some)[0]:
        words = [word for word in text(tokens).split() if word != "end"]
        assert len(words) == PROMPT + 3 * unknowns + 2 <= LENGTH
        known = {words[i + 1]: words[i + 2] for i, word in enumerate(words) if word == "ask"}
        shown = [known.get(word, word) for word in words[: PROMPT - 1]]
        assert eval(" ".join(shown)) == int(words[-1])  # the arithmetic of Python, on our own words


def test_a_mixture_has_its_share_of_dialogues_without_unknowns():
    some = mixed(2000, 0.3, np.random.default_rng(0))
    assert set(some.unknowns.tolist()) == {0, 2}
    assert (some.unknowns == 0).mean() == pytest.approx(0.3, abs=0.04)
    assert (mixed(100, 0.0, np.random.default_rng(0)).unknowns == 2).all()


def test_replies_are_values_numbers_themselves_and_else_some_number():
    two = Expressions(*(np.repeat(part[:1], 4, 0) for part in (hand().numbers, hand().letters, hand().signs)))
    asked = np.array([WORDS.index(word) for word in ("a", "b", "7", "h")])
    reply = [WORDS[i] for i in replies(two, asked, np.random.default_rng(0))]
    assert reply[:3] == ["3", "2", "7"]
    assert reply[3] in map(str, range(10))
    assert text(prompts(two)[0]) == "a + 7 - b ="
