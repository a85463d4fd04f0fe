"""Pairs of boards, what heads read, and attention on the board: with tiny agents whose answers are known."""

import numpy as np
import pytest
import torch

from core.labs.goals.distill.figures import board_attention
from core.labs.goals.distill.heads import CELL_NAMES, boards_with_the_cheese_moved, read_heads
from core.labs.goals.distill.network import Size, as_hf, fresh
from core.labs.goals.distill.pairs import cheese_pairs
from core.labs.goals.distill.prompts import LENGTH, TILE_WORDS, WORDS
from core.models.load import wrap
from core.models.toy import word_tokenizer
from core.worlds.tasks.corner import SIZE, Corner, CornerSettings
from core.worlds.tasks.world import MOVE_NAMES, MOVES
from tests.core.patching.naive import Naive

SMALL = Size(layers=2, heads=2, width=16, neurons=16)
CHEESE, MOUSE = TILE_WORDS.index("cheese"), TILE_WORDS.index("mouse")


def towards_the_cheese(tokens):
    """Values of moves as the crow flies, from token ids."""
    places = {word: np.stack(np.divmod((tokens == word).argmax(1), SIZE), 1) for word in (CHEESE, MOUSE)}
    return (places[CHEESE] - places[MOUSE]) @ MOVES.T


def straight_up(tokens):
    return np.tile([1.0, 0.0, 0.0, 0.0], (len(tokens), 1))


@pytest.fixture(scope="module")
def model():
    weights = fresh(SMALL, torch.Generator().manual_seed(1))
    return wrap(as_hf(weights, SMALL), word_tokenizer(WORDS), model_id="tiny agent")


def test_pairs_differ_in_the_cheese_alone_and_are_solved():
    pairs = cheese_pairs([towards_the_cheese], count=12, copies=2000, seed=3)
    assert len(pairs) == 12
    for pair in pairs:
        clean, corrupt = pair.clean.split(), pair.corrupt.split()
        differ = [i for i in range(LENGTH) if clean[i] != corrupt[i]]
        assert sorted(clean[i] for i in differ) == sorted(corrupt[i] for i in differ) == [".", "cheese"]
        for words, answer in ((clean, pair.answer), (corrupt, pair.distractor)):
            ids = np.array([[WORDS.index(word) for word in words]])
            assert f" {MOVE_NAMES[towards_the_cheese(ids).argmax()]}" == answer


def test_an_agent_that_ignores_the_cheese_has_no_pair():
    assert len(cheese_pairs([towards_the_cheese, straight_up], copies=2000)) == 0


def test_boards_have_the_cheese_where_it_is_said_to_be():
    pairs, cells = boards_with_the_cheese_moved(20, np.random.default_rng(0))
    assert cells.shape == (20, len(CELL_NAMES))
    for pair, (corner, cheese, mouse) in zip(pairs, cells.tolist(), strict=True):
        words = pair.clean.split()
        assert (corner, words[corner], words[cheese], words[mouse]) == (0, ".", "cheese", "mouse")
        assert pair.corrupt.split()[cheese] == "."


def test_readings_are_those_of_one_head_patched_by_hand(model):
    found = read_heads(model, boards=3, seed=2)
    assert found.attention.shape == (2, 2, 3)
    pairs, _ = boards_with_the_cheese_moved(3, np.random.default_rng(2))
    naive = Naive("gpt2", as_hf(fresh(SMALL, torch.Generator().manual_seed(1)), SMALL))
    effects, gaps = np.zeros((3, 2, 2)), []
    for i, pair in enumerate(pairs):
        clean, corrupt = (torch.tensor([model.tokenizer(text).input_ids]) for text in (pair.clean, pair.corrupt))
        base = naive.logits(clean).double().log_softmax(-1)
        for layer, head in np.ndindex(2, 2):
            donor = naive.read("z", layer, corrupt)
            logits = naive.patched_logits(clean, [("z", layer, LENGTH - 1, head, donor)])
            effects[i, layer, head] = (base.exp() * (base - logits.double().log_softmax(-1))).sum()
        gaps.append(float((base.exp() * (base - naive.logits(corrupt).double().log_softmax(-1))).sum()))
    np.testing.assert_allclose(found.effect, effects.mean(0), atol=1e-6)
    assert found.gap == pytest.approx(np.mean(gaps), abs=1e-6)
    assert effects.max() > 1e-5
    table = found.table()
    assert list(table) == ["layer", "head", "corner", "cheese", "mouse", "effect"]
    row = table[(table.layer == 1) & (table["head"] == 0)].iloc[0]
    assert row.cheese == found.attention[1, 0, 1]
    assert (table[list(CELL_NAMES)].sum(axis=1) < 1).all()


def test_heads_that_look_at_everything_alike_put_a_fiftieth_on_each(model):
    weights = fresh(SMALL, torch.Generator().manual_seed(1))
    for layer in range(SMALL.layers):
        weights[f"transformer.h.{layer}.attn.c_attn.weight"][:, : SMALL.width] = 0
        weights[f"transformer.h.{layer}.attn.c_attn.bias"][: SMALL.width] = 0
    flat = wrap(as_hf(weights, SMALL), word_tokenizer(WORDS), model_id="blind agent")
    np.testing.assert_allclose(read_heads(flat, boards=2).attention, 1 / LENGTH, atol=1e-6)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_board_carries_each_cells_weight(theme):
    world = Corner(CornerSettings(away=True, levels=1), 1, np.random.default_rng(0))
    weights = np.arange(LENGTH) / np.arange(LENGTH).sum()
    fig = board_attention(world.board()[0], weights, layer=1, head=3, theme=theme)
    assert np.array_equal(fig.data[1].z.ravel(), weights[:-1])
    assert fig.data[1].customdata[tuple(world.state.cheese[0])] == "cheese"
    assert "layer 1, head 3" in fig.layout.meta["caption"]
