"""Several values in one cell, there and back."""

import numpy as np
import pytest

from core.files.values import cell_of, items_of, texts_of


@pytest.mark.parametrize(
    ("cell", "texts"),
    [
        (" Mary", (" Mary",)),
        (" Mary| Tom", (" Mary", " Tom")),
        (r"a\|b", ("a|b",)),
        (r"a\\|b", ("a\\", "b")),
        ("a\\", ("a\\",)),
        ("|", ("|",)),
        (" ||", (" ||",)),
        ("|--", ("|--",)),
        ("<|endoftext|>", ("<|endoftext|>",)),
        (r"<\|im_end\|>| a", ("<|im_end|>", " a")),
        ("[' Alice',' Mary']", (" Alice", " Mary")),
        ('["a", "it\'s"]', ("a", "it's")),
        ("['a'\n 'b']", ("a", "b")),
        ("[1, 2]", ("[1, 2]",)),
        ("[]", ("[]",)),
        ("[a]", ("[a]",)),
    ],
)
def test_cells(cell, texts):
    assert texts_of(cell) == texts


@pytest.mark.parametrize(
    ("cell", "items"),
    [
        ("['Mars' 'Venus']", ("Mars", "Venus")),
        ("[16840, 23685]", (16840, 23685)),
        ("[1 2\n 3]", (1, 2, 3)),
        ("['a' 'b", None),
        ("[1-2]", None),
        ("1, 2", None),
        ("[__import__('os')]", None),
    ],
)
def test_printed_lists(cell, items):
    assert items_of(cell) == items


def test_whatever_the_texts_hold_they_come_back():
    rng = np.random.default_rng(0)
    alphabet = list("ab|\\ []'\"<>,\n")

    def text() -> str:
        return "".join(rng.choice(alphabet, size=rng.integers(1, 6)))

    for _ in range(3000):
        texts = tuple(text() for _ in range(rng.integers(1, 4)))
        assert texts_of(cell_of(texts)) == texts
