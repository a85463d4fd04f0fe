"""Sweeps that lose their process or run out of memory give the numbers they would have given."""

import numpy as np
import pytest
import torch

from core.errors import Cancelled, ModelError, SpecError
from core.patching import exact
from core.prompts.pairs import PairSet, PromptPair
from core.runs import execute as module
from core.runs.checkpoint import Checkpoints
from core.runs.execute import execute, make_spec
from tests.tiny import random_pairs, tiny_model

SET = PairSet("random", (PromptPair("a", "b", "c", "d"),))


@pytest.fixture(scope="module")
def model():
    return tiny_model("llama")


def spec_of(model, method="exact"):
    return make_spec(model, SET, metric="logit_diff", direction="noising", nodes=("k", "z"), method=method)


def assert_same(a, b, atol=0.0):
    assert [run.tokens for run in a.pairs] == [run.tokens for run in b.pairs]
    for kind, arrays in a.effects.items():
        for x, y in zip(arrays, b.effects[kind]):
            np.testing.assert_allclose(x, y, atol=atol)


def test_a_sweep_cut_off_goes_on_with_the_same_numbers(model, tmp_path, monkeypatch):
    pairs, spec = random_pairs(4, 7, 2), spec_of(model)
    whole = execute(spec, model, pairs, checkpoints=Checkpoints(tmp_path / "whole"))
    kept, calls = Checkpoints(tmp_path / "cut"), []
    real = module._run_batch

    def counted(*args, **kwargs):
        calls.append(args[2])
        if len(calls) == 3:
            raise Cancelled
        return real(*args, **kwargs)

    monkeypatch.setattr(module, "_run_batch", counted)
    with pytest.raises(Cancelled):
        execute(spec, model, pairs, checkpoints=kept)
    (kept.folder / f"{pairs[1].row}.safetensors").write_bytes(b"damaged")
    calls[:], steps = [None] * 3, []
    again = execute(spec, model, pairs, checkpoints=kept, on_step=lambda *step: steps.append(step))
    assert calls[3:] == [(pairs[1],), (pairs[2],), (pairs[3],)]
    assert steps[-1][0] == steps[-1][1]
    assert_same(again, whole)
    assert_same(again, execute(spec, model, pairs), atol=1e-5)


def test_a_checkpoint_of_other_tokens_is_not_believed(model, tmp_path):
    spec, kept = spec_of(model), Checkpoints(tmp_path)
    execute(spec, model, random_pairs(2, 7, 2, seed=1), checkpoints=kept)
    other = random_pairs(2, 7, 2, seed=2)
    assert_same(execute(spec, model, other, checkpoints=kept), execute(spec, model, other), atol=1e-5)


@pytest.mark.parametrize("method", ["exact", "atp-star"])
def test_out_of_memory_halves_the_batch_and_goes_on(model, monkeypatch, method):
    pairs, spec = random_pairs(6, 7, 2), spec_of(model, method)
    whole, sizes, steps = execute(spec, model, pairs), [], []
    real = module.ask

    def short_of_memory(model, batch, **options):
        sizes.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(model, batch, **options)

    monkeypatch.setattr(module, "ask", short_of_memory)
    result = execute(spec, model, pairs, on_step=lambda *step: steps.append(step))
    assert sizes == [6, 3, 1, 2, 3, 1, 2]
    assert steps[-1][0] == steps[-1][1]
    assert_same(result, whole, atol=1e-5)


def test_a_wave_that_does_not_fit_becomes_smaller(model, monkeypatch):
    pairs, spec = random_pairs(1, 7, 2), spec_of(model)
    whole, seen = execute(spec, model, pairs), []
    real = exact.climb

    def narrow(site, wave, *rest):
        seen.append(site.batching.tokens_per_call)
        if site.batching.tokens_per_call > 20:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(site, wave, *rest)

    monkeypatch.setattr(exact, "climb", narrow)
    assert_same(execute(spec, model, pairs), whole, atol=1e-5)
    assert max(seen) > 20 >= min(seen)


def test_what_never_fits_is_refused_in_words(model, monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(module, "ask", full)
    with pytest.raises(ModelError, match="memory"):
        execute(spec_of(model), model, random_pairs(3, 7, 2))


def test_a_result_too_large_to_keep_is_refused_before_it_is_computed(model, monkeypatch):
    monkeypatch.setattr(module, "MOST_CELLS", 100)
    with pytest.raises(SpecError, match="million"):
        execute(spec_of(model), model, random_pairs(3, 7, 2))
