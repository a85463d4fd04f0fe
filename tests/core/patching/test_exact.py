"""The wavefront against patching one node at a time by plain hooks."""

import numpy as np
import pytest
import torch

from core.patching.base_run import base_run
from core.patching.exact import Batching, exact_effects
from core.patching.spec import NeuronSite
from core.prompts.pairs import PairSet
from core.runs.execute import execute, make_spec
from core.terms import NODE_KINDS, ModelShape
from tests.core.patching.naive import Naive
from tests.tiny import FAMILIES, random_pairs, tiny_hf, tiny_model

PAIRS = PairSet("random", ())
LENGTH, FIRST = 7, 2
SITES = tuple(NeuronSite(layer, position) for layer in range(3) for position in range(LENGTH))


def run(model, pairs, *, kinds=NODE_KINDS, direction="noising", metric="logit_diff", neurons=SITES, **options):
    neurons = neurons if "neuron" in kinds else ()
    spec = make_spec(model, PAIRS, metric=metric, direction=direction, nodes=kinds, method="exact", neurons=neurons)
    return execute(spec, model, pairs, **options)


def metric_of(name, logits, pair, clean_logits):
    logits, clean = logits.double()[0], clean_logits.double()[0]
    if name == "logit_diff":
        return logits[pair.answer_id] - logits[pair.distractor_id]
    if name == "kl":
        return (clean.softmax(-1) * (clean.log_softmax(-1) - logits.log_softmax(-1))).sum()
    value = logits.log_softmax(-1)[pair.answer_id]
    return value if name == "log_prob" else value.exp()


@pytest.mark.parametrize("direction", ["noising", "denoising"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_kind_equals_one_at_a_time_patching(family, direction):
    pair = random_pairs(1, LENGTH, FIRST, seed=3)[0]
    result = run(tiny_model(family), (pair,), direction=direction)
    naive = Naive(family, tiny_hf(family))
    clean, corrupt = torch.tensor([pair.clean_ids]), torch.tensor([pair.corrupt_ids])
    base, donor = (clean, corrupt) if direction == "noising" else (corrupt, clean)
    clean_logits = naive.logits(clean)
    base_value = metric_of("logit_diff", naive.logits(base), pair, clean_logits)
    rng = np.random.default_rng(0)
    largest = 0.0
    for kind in NODE_KINDS:
        effects = result.effects[kind][0]
        donors = [naive.read(kind, layer, donor) for layer in range(3)]
        cells = [tuple(c) for c in np.argwhere(np.ones(effects.shape))]
        for i in rng.choice(len(cells), min(len(cells), 30), replace=False):
            layer, position, unit = cells[i]
            logits = naive.patched_logits(base, [(kind, layer, position, unit, donors[layer])])
            expected = float(metric_of("logit_diff", logits, pair, clean_logits) - base_value)
            assert effects[layer, position, unit] == pytest.approx(expected, abs=2e-5), (kind, cells[i])
            largest = max(largest, abs(expected))
    assert largest > 0.05


@pytest.mark.parametrize("metric", ["log_prob", "prob", "kl"])
def test_metrics(metric):
    pair = random_pairs(1, LENGTH, FIRST, seed=5)[0]
    result = run(tiny_model("llama"), (pair,), kinds=("z", "resid_pre"), metric=metric)
    naive = Naive("llama", tiny_hf("llama"))
    clean, corrupt = torch.tensor([pair.clean_ids]), torch.tensor([pair.corrupt_ids])
    clean_logits = naive.logits(clean)
    base_value = metric_of(metric, clean_logits, pair, clean_logits)
    assert result.pairs[0].clean_metric == pytest.approx(float(base_value), abs=1e-5)
    for kind, layer, position, unit in (("z", 1, 4, 2), ("resid_pre", 1, 3, 0), ("z", 2, 6, 0)):
        donor = naive.read(kind, layer, corrupt)
        logits = naive.patched_logits(clean, [(kind, layer, position, unit, donor)])
        expected = float(metric_of(metric, logits, pair, clean_logits) - base_value)
        assert expected != 0
        assert result.effects[kind][0][layer, position, unit] == pytest.approx(expected, abs=1e-5)


def test_effects_before_the_first_difference_are_exactly_zero():
    result = run(tiny_model("gpt2"), random_pairs(2, LENGTH, 4))
    for arrays in result.effects.values():
        for effects in arrays:
            assert not effects[:, :4].any()
            assert effects[:, 4:].any()


def test_batch_sizes_do_not_change_answers():
    model, pairs = tiny_model("qwen2"), random_pairs(2, LENGTH, 1)
    ids = torch.tensor([p.clean_ids for p in pairs] + [p.corrupt_ids for p in pairs], device=model.device)
    kinds = ("q", "k", "v", "z", "neuron", "mlp_out")
    kept = base_run(model, ids, kinds)

    def read(pair, residual):
        return model.hf.lm_head(model.hf.model.norm(residual))[:, 5]

    def sweep(batching):
        return exact_effects(
            model, kept, base_rows=[0, 1], donor_rows=[2, 3], starts=[1, 1], read=read, kinds=kinds, neurons=SITES,
            batching=batching,
        )  # fmt: skip

    wide, narrow = sweep(Batching(10**6, 10**6)), sweep(Batching(3, 20))
    for kind in kinds:
        np.testing.assert_allclose(wide[kind], narrow[kind], atol=2e-5)
        assert np.abs(wide[kind]).max() > 1e-3


def test_resid_pre_of_layer_0_at_the_only_difference_is_the_whole_gap():
    model, pair = tiny_model("neox"), random_pairs(1, LENGTH, LENGTH - 1)[0]
    result = run(model, (pair,), kinds=("resid_pre",))
    assert result.effects["resid_pre"][0][0, -1, 0] == pytest.approx(-result.pairs[0].gap, abs=1e-5)


def test_pairs_of_different_lengths_keep_their_order_and_values():
    model = tiny_model("llama")
    long, short = random_pairs(1, 9, 3, seed=1)[0], random_pairs(2, 5, 1, seed=2)[1]
    both = run(model, (long, short), kinds=("z",))
    for i, pair in enumerate((long, short)):
        alone = run(model, (pair,), kinds=("z",))
        np.testing.assert_allclose(both.effects["z"][i], alone.effects["z"][0], atol=1e-6)
    assert list(both.groups()) == [5, 9]


def test_chosen_neurons_only():
    model, pairs = tiny_model("llama"), random_pairs(1, LENGTH, FIRST)
    sites = (NeuronSite(1, -1), NeuronSite(2, 6, 7))
    effects = run(model, pairs, kinds=("neuron",), neurons=sites).effects["neuron"][0]
    done = ~np.isnan(effects)
    assert done[1, 6].all()
    assert done[2, 6].sum() == 1
    assert done.sum() == effects.shape[-1] + 1
    everything = run(model, pairs, kinds=("neuron",)).effects["neuron"][0]
    np.testing.assert_allclose(effects[done], everything[done], atol=1e-6)


def test_progress_and_model_left_as_found():
    model, pairs = tiny_model("gemma2"), random_pairs(2, LENGTH, FIRST)
    ids = torch.tensor([pairs[0].clean_ids], device=model.device)
    before = model.hf(ids).logits
    seen = []
    run(model, pairs, on_step=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1]
    assert seen == sorted(seen)
    assert torch.equal(before, model.hf(ids).logits)
    for module in model.hf.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert "forward" not in module.__dict__


def test_shape_counts_units():
    shape = ModelShape(n_layers=2, n_heads=4, n_kv_heads=2, d_model=8, d_head=2, d_mlp=16)
    assert [shape.units(kind) for kind in NODE_KINDS] == [4, 2, 2, 4, 16, 1, 1, 1]


@pytest.mark.parametrize(("length", "first"), [(5, 0), (1, 0)])
def test_pairs_that_differ_from_their_first_token_on(length, first):
    """Nothing comes before the suffix, or the prompt is a single token."""
    pair, kinds = random_pairs(1, length, first, seed=9)[0], ("q", "k", "v", "z", "mlp_out", "resid_pre")
    effects = run(tiny_model("llama"), (pair,), kinds=kinds).effects
    naive = Naive("llama", tiny_hf("llama"))
    clean, corrupt = torch.tensor([pair.clean_ids]), torch.tensor([pair.corrupt_ids])
    clean_logits = naive.logits(clean)
    base_value = metric_of("logit_diff", clean_logits, pair, clean_logits)
    for kind in kinds:
        for layer in range(3):
            logits = naive.patched_logits(clean, [(kind, layer, 0, 0, naive.read(kind, layer, corrupt))])
            expected = float(metric_of("logit_diff", logits, pair, clean_logits) - base_value)
            assert effects[kind][0][layer, 0, 0] == pytest.approx(expected, abs=2e-5), (kind, layer)
    assert np.abs(effects["resid_pre"][0]).max() > 0.05
    star = execute(
        make_spec(tiny_model("llama"), PAIRS, metric="logit_diff", direction="noising", nodes=kinds, method="atp-star"),
        tiny_model("llama"),
        (pair,),
    )
    assert all(np.isfinite(star.effects[kind][0]).all() for kind in kinds)
    assert star.effects["resid_pre"][0].max() > 0.05
