"""Boards, the fast network against the ordinary one, and a training that stops and goes on."""

import numpy as np
import pytest
import torch

from core.labs.goals.distill.measure import agreement, as_policy, behave, pupil_scores
from core.labs.goals.distill.network import Size, as_hf, fresh, logits
from core.labs.goals.distill.prompts import ACTIONS, LENGTH, WORDS, board_tokens, prompt
from core.labs.goals.distill.states import CLEAR, PARTS, States, gather
from core.labs.goals.distill.training import Plan, Trainer, answers
from core.models.toy import word_tokenizer
from core.worlds.tasks.corner import SIZE, Corner, CornerSettings

SMALL = Size(layers=2, heads=2, width=16, neurons=24)


def to_the_corner(world):
    """The proxy's script: half a point for every move that is saved."""
    return np.exp(world.scores("proxy") / 4)


@pytest.fixture(scope="module")
def states():
    return gather(to_the_corner, CornerSettings(), 600, np.random.default_rng(0))


def test_a_prompt_is_the_board_row_by_row():
    world = Corner(CornerSettings(random_levels=1.0, levels=50), 50, np.random.default_rng(1))
    for tokens, board in zip(board_tokens(world), world.board(), strict=True):
        words = prompt(tokens).split()
        assert len(words) == LENGTH == SIZE * SIZE + 1
        assert words[-1] == "move"
        assert [Corner.tiles[i] for i in board.ravel()] == [
            {".": "floor", "#": "block"}.get(word, word) for word in words[:-1]
        ]
        assert word_tokenizer(WORDS)(prompt(tokens)).input_ids == tokens.tolist()
    assert WORDS[ACTIONS] == Corner.actions


def test_the_fast_network_is_the_ordinary_gpt2(states):
    weights = fresh(SMALL, torch.Generator().manual_seed(2))
    tokens = torch.from_numpy(states.tokens[:5]).long()
    with torch.no_grad():
        slow = as_hf(weights, SMALL)(input_ids=tokens).logits[:, -1]
    torch.testing.assert_close(logits(weights, tokens, SMALL), slow, atol=1e-5, rtol=1e-5)


def test_boards_come_from_all_parts_with_what_the_teacher_thinks(states):
    assert len(states) == 600
    assert np.bincount(states.part).tolist() == [200] * len(PARTS)
    ordered = np.sort(states.values, axis=1)
    assert np.array_equal(states.clear, ordered[:, 3] - ordered[:, 2] >= CLEAR)
    boards = states.tokens[:, :-1]
    assert ((boards == WORDS.index("cheese")).sum(1) == 1).all()
    assert ((boards == WORDS.index("mouse")).sum(1) == 1).all()
    at = np.divmod((boards == WORDS.index("cheese")).argmax(1), SIZE)
    training, away = states.part == 0, states.part == 1
    assert (at[0][training] + at[1][training]).max() == 0
    assert (at[0][away] + at[1][away]).min() >= 4
    again = gather(to_the_corner, CornerSettings(), 600, np.random.default_rng(0))
    assert np.array_equal(again.tokens, states.tokens)


def test_equal_actions_are_asked_for_alike_and_words_that_are_none_never():
    target = answers(torch.tensor([[0.5, 0.5, 0.0, 0.0], [0.5, 0.4, 0.5, 0.5]]), 0.01)
    assert target[:, : ACTIONS.start].eq(0).all()
    torch.testing.assert_close(target[0, ACTIONS], torch.tensor([0.5, 0.5, 0.0, 0.0]), atol=1e-6, rtol=0)
    torch.testing.assert_close(target[1, ACTIONS], torch.tensor([1 / 3, 0.0, 1 / 3, 1 / 3]), atol=1e-4, rtol=0)


def test_a_training_goes_on_from_its_checkpoint_to_the_same_weights(states, tmp_path):
    plan = Plan(size=SMALL, steps=12, batch=16, every=4, warm=3, seed=5)
    whole = Trainer(plan, states)
    assert [step for step, _ in whole.run()] == [4, 8, 12]
    first = Trainer(plan, states)
    next(first.run())
    first.save(tmp_path / "checkpoint.safetensors")
    second = Trainer(plan, states)
    second.restore(tmp_path / "checkpoint.safetensors")
    assert [step for step, _ in second.run()] == [8, 12]
    assert all(torch.equal(second.weights[name], tensor) for name, tensor in whole.weights.items())


def test_a_short_training_learns_and_behaviour_is_that_of_the_choices(states):
    trainer = Trainer(Plan(size=SMALL, steps=60, batch=64, every=30, warm=5), states)
    losses = [loss for _, loss in trainer.run()]
    assert losses[1] < losses[0] - 0.2
    scores = pupil_scores(trainer.weights, SMALL)
    found = agreement(scores, states)
    assert (found.boards, found.share_clear) == (600, float(states.clear.mean()))
    choice = scores(states.tokens).argmax(1)
    assert found.all == np.mean(choice == states.values.argmax(1))
    own = States(states.tokens, scores(states.tokens), states.part)
    assert agreement(scores, own).all == 1
    assert as_policy(scores)(Corner(CornerSettings(levels=5), 5, np.random.default_rng(0))).shape == (5, 4)


def test_the_scripts_reach_what_they_are_after():
    away = CornerSettings(away=True)
    to_cheese = behave(lambda world: world.scores("intended"), away, 200, seed=3)
    assert to_cheese.cheese == 1.0
    assert to_cheese.corner < 0.3
    to_corner = behave(to_the_corner, away, 200, seed=3)
    world = Corner(CornerSettings(away=True, levels=200), 200, np.random.default_rng(3))
    reachable = np.isfinite(world.scores("proxy")).any(1).mean()
    assert to_corner.cheese < 0.3
    assert to_corner.corner + to_corner.cheese >= reachable - 0.02
