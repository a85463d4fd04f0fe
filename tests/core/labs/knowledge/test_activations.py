"""Residuals in three stages are those of plain forwards; extraction goes on where it stopped."""

import numpy as np
import pytest
import torch

from core.errors import Cancelled, PromptError
from core.labs.knowledge.activations import TokenisedPair, extract, open_arrays, tokenise
from tests.core.labs.knowledge.conftest import WORDING, statements
from tests.tiny import VOCAB, tiny_model


def random_pairs(n=7):
    rng = np.random.default_rng(0)
    start = tuple(rng.integers(3, VOCAB, 4).tolist())
    pairs = []
    for i in range(n):
        body = tuple(rng.integers(3, VOCAB, 2 + i % 2).tolist())
        ends = (tuple(rng.integers(3, 50, 1 + i % 3).tolist()), tuple(rng.integers(50, VOCAB, 2).tolist()))
        pairs.append(TokenisedPair(start + body if i else body, ends))
    return pairs


def filled(model, pairs, folder, **more):
    arrays = open_arrays(folder, len(pairs), model.shape.n_layers + 1, model.shape.d_model)
    extract(model, pairs, *arrays, **more)
    return arrays


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma3", "opt", "neox"])
def test_every_layer_is_what_a_plain_forward_gives(family, tmp_path):
    model, pairs = tiny_model(family), random_pairs()
    residuals, answers, done = filled(model, pairs, tmp_path)
    assert done.all()
    seen = []
    hooks = [b.register_forward_pre_hook(lambda _, args: seen.append(args[0][0, -1])) for b in model.parts.blocks]
    hooks.append(model.parts.blocks[-1].register_forward_hook(lambda _, args, out: seen.append(out[0, -1])))
    for i, pair in enumerate(pairs):
        for side in (0, 1):
            seen.clear()
            with torch.no_grad():
                model.hf(torch.tensor([pair.shared + pair.endings[side]]), use_cache=False)
            assert np.allclose(residuals[i, side], torch.stack(seen).numpy(), atol=2e-4)
        with torch.no_grad():
            logits = model.hf(torch.tensor([pair.shared]), use_cache=False).logits[0, -1]
        assert np.isclose(answers[i], logits[pair.endings[1][0]] - logits[pair.endings[0][0]], atol=2e-3)
    for hook in hooks:
        hook.remove()


def test_cut_off_it_goes_on(tmp_path):
    model, pairs = tiny_model("llama"), random_pairs()
    whole = filled(model, pairs, tmp_path / "whole")
    calls = []

    def stop_after_two() -> bool:
        return len(calls) >= 2

    with pytest.raises(Cancelled):
        filled(model, pairs, tmp_path / "cut", on_step=lambda *step: calls.append(step), cancelled=stop_after_two)
    arrays = open_arrays(tmp_path / "cut", len(pairs), 4, model.shape.d_model)
    assert 0 < arrays[2].sum() < len(pairs)
    calls.clear()
    extract(model, pairs, *arrays, on_step=lambda *step: calls.append(step))
    assert calls[0][0] > 0
    assert np.array_equal(arrays[0], whole[0])


def test_prompts_that_cannot_be_used_are_refused(tiny):
    good = [tuple(f"When {item.text} is {a}" for a in WORDING.answers) for item in statements().items]
    assert {pair.sizes[1:] for pair in tokenise(tiny, good)} == {(1, 1)}
    with pytest.raises(PromptError, match="row 2: The prompt has"):
        tokenise(tiny, [good[0], ("Mary " * 80 + "cat", "Mary " * 80 + "dog")])
    with pytest.raises(PromptError, match="look the same"):
        tokenise(tiny, [("When Mary is dog", "When Mary is dog")])
    with pytest.raises(PromptError, match="begins with the other"):
        tokenise(tiny, [("When Mary is dog", "When Mary is dog and")])
