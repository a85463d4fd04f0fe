import math

import pytest

from core.errors import SpecError
from core.figures.axes import token_columns
from core.figures.numbers import count, number, parameters
from core.figures.tokens import escaped, label, shown_positions, visible


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (-2.104, "−2.10"),
        (0.0, "0"),
        (-0.0, "0"),
        (0.012345, "0.0123"),
        (9.996, "10.0"),
        (999.6, "1\u2009000"),
        (12345.0, "12\u2009300"),
        (645_120.0, "645\u2009000"),
        (0.000123, "0.000123"),
        (-1.2e-6, "−1.20 × 10⁻⁶"),
        (3.456e9, "3.46 × 10⁹"),
        (math.nan, "–"),
        (-math.inf, "−∞"),
    ],
)
def test_numbers_have_three_figures_and_a_true_minus(x, text):
    assert number(x) == text


def test_counts_and_plus_signs():
    assert count(645_120) == "645\u2009120"
    assert number(1.5, sign=True) == "+1.50"
    assert number(-1.5, sign=True) == "−1.50"


def test_a_model_says_its_size_in_the_unit_of_its_kind():
    sizes = (17_312, 134_515_008, 1_235_814_400)
    assert [parameters(n) for n in sizes] == ["17 k", "135 M", "1.24 B"]


def test_tokens_are_visible_and_inert():
    assert visible(" Mary") == "·Mary"
    assert visible("a\nb\tc") == "a↵b⇥c"
    assert visible("\u202eow\x07") == "⟨202E⟩ow⟨0007⟩", "what turns text around is shown as a code point"
    assert visible("") == "∅"
    assert visible("abcdefghijklmnopqrstuvwxyz", longest=9) == "abcd…wxyz"
    assert escaped("<b>$x$ & %{y}") == "&lt;b&gt;&#36;x&#36; &amp; &#37;{y}"
    assert label(" <a>", varies=True) == "·&lt;a&gt;†"


def test_long_prompts_shorten_in_the_middle():
    assert shown_positions(5, most=5) == ([0, 1, 2, 3, 4], 0)
    assert shown_positions(10, most=5) == ([0, 1, 2, 8, 9], 5)
    with pytest.raises(SpecError, match="at least two"):
        shown_positions(10, most=1)


def test_repeated_tokens_keep_their_own_ticks():
    columns = token_columns(("a", "b", "a", "a"))
    assert columns.tickvals == [0, 1, 2, 3]
    assert columns.ticktext == ["a", "b", "a", "a"]


def test_a_hidden_middle_is_one_empty_step():
    columns = token_columns(tuple("abcdefghij"), most=4)
    assert columns.shown == [0, 1, 8, 9]
    assert columns.places == [0, 1, 3, 4]
    assert dict(zip(columns.tickvals, columns.ticktext)) == {0: "a", 1: "b", 2: "…", 3: "i", 4: "j"}
    assert (columns.place(8), columns.place(5), columns.width, columns.hidden) == (3, None, 5, 6)
