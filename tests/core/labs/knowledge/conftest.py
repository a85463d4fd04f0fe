"""A tiny random model with a tokenizer of whole words, and statements in those words."""

import numpy as np
import pytest

from core.labs.knowledge.cache import Cache
from core.labs.knowledge.settings import Settings
from core.labs.knowledge.statements.statements import Item, Statements
from core.labs.knowledge.statements.wording import Wording
from core.labs.knowledge.study import fit_all, prepare
from core.models.load import wrap
from tests.tiny import tiny_hf
from tests.ui.conftest import tiny_tokenizer

WORDING = Wording("When {text} is {answer}", "Then {text} are {answer}", ("cat", "dog"))
NAMES = ["Mary", "John", "Tom", "Anna"]


def statements(n: int = 40) -> Statements:
    """Random words whose labels nothing gives away, two topics, groups of two."""
    rng = np.random.default_rng(3)
    items = []
    for i, number in enumerate(rng.permutation(4**6)[:n]):
        words = [NAMES[number // 4**k % 4] for k in range(6)]
        items.append(Item(" ".join([*words, "met"]), i % 2 == 0, f"g{i // 2}", "sat" if i % 4 < 2 else "gave"))
    return Statements("tiny", tuple(items))


@pytest.fixture(scope="session")
def tiny():
    return wrap(tiny_hf("llama"), tiny_tokenizer(), model_id="tiny")


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def study(tiny, cache):
    settings = Settings(
        conditions=("none", "reworded", "persona", "word", "opinion", "implicit", "opinion:2"),
        layers=(1, 3),
        focus=3,
        seeds=3,
        epochs=60,
    )
    made = prepare(tiny, statements(), WORDING, settings, cache)
    fit_all(made)
    return made
