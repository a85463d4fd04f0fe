"""AtP and AtP* against slow, independent computations by hooks and explicit backward passes."""

from contextlib import ExitStack

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import SpecError
from core.patching.spec import NeuronSite
from core.prompts.pairs import PairSet
from core.runs.execute import execute, make_spec
from core.terms import NODE_KINDS, WHOLE_KINDS
from tests.core.patching.naive import Naive
from tests.tiny import random_pairs, tiny_hf, tiny_model

PAIRS = PairSet("random", ())
LENGTH, FIRST, LAYERS = 7, 2, 3
FAMILIES = ("gpt2", "neox", "llama", "qwen2", "gemma2", "phi", "opt")  # q and k enter the dot product linearly


def run(model, pairs, method, *, kinds=NODE_KINDS, direction="noising", metric="logit_diff"):
    neurons = tuple(NeuronSite(i, t) for i in range(LAYERS) for t in range(len(pairs[0]))) if method == "exact" else ()
    spec = make_spec(
        model,
        PAIRS,
        metric=metric,
        direction=direction,
        nodes=kinds,
        method=method,
        neurons=neurons if "neuron" in kinds else (),
    )
    return execute(spec, model, pairs)


class Explicit:
    """Gradients and recomputations on the plain model, one pair, one backward pass a question."""

    def __init__(self, family, pair, *, seed=0, model=None, direction="noising"):
        self.naive = Naive(family, model if model is not None else tiny_hf(family, seed))
        clean, corrupt = torch.tensor([pair.clean_ids]), torch.tensor([pair.corrupt_ids])
        self.base, self.donor = (clean, corrupt) if direction == "noising" else (corrupt, clean)
        self.pair = pair

    def metric(self, logits):
        return logits[-1, self.pair.answer_id] - logits[-1, self.pair.distractor_id]

    def gradient(self, kind, layer, dropped=None):
        """d metric / d module tensor of the base run; ``dropped`` holds that block's write fixed."""
        module, is_input, _ = self.naive.site(kind, layer)
        kept = []

        def keep(x):
            x = x.detach().requires_grad_() if not x.requires_grad else x
            kept.append(x)
            x.retain_grad()
            return x

        def hold(_, args, out):
            return args[0] + (out - args[0]).detach()

        with ExitStack() as stack:
            if is_input:
                hook = module.register_forward_pre_hook(lambda _, args: (keep(args[0]), *args[1:]))
            else:
                hook = module.register_forward_hook(lambda _, args, out: keep(out))
            stack.callback(hook.remove)
            if dropped is not None:
                stack.callback(self.naive.blocks[dropped].register_forward_hook(hold).remove)
            self.metric(self.naive.model(input_ids=self.base, use_cache=False).logits[0]).backward()
        grad = kept[0].grad if kept[0].grad is not None else torch.zeros_like(kept[0])
        return grad.reshape(1, self.base.shape[1], -1)

    def donated(self, kind, layer):
        """What is put in place of the base run's nodes, as the module holds it."""
        return self.naive.read(kind, layer, self.donor)

    def estimate(self, kind, layer, dropped=None):
        """AtP of every node of a kind at one layer: ``[position, unit]``."""
        change = self.donated(kind, layer) - self.naive.read(kind, layer, self.base)
        return self._by_unit(kind, layer, change * self.gradient(kind, layer, dropped))

    def _by_unit(self, kind, layer, product):
        where = self.naive.site(kind, layer)[2]
        if kind in WHOLE_KINDS:
            return product[0].sum(-1, keepdim=True)
        n = {"neuron": product.shape[-1], "q": self.naive.n_heads, "z": self.naive.n_heads}.get(kind, self.naive.n_kv)
        return torch.stack([product[0, :, where(u)].sum(-1) for u in range(n)], dim=-1)

    def fixed(self, kind, layer, position, unit, dropped=None):
        """QK fix the long way: really patch the one query or key, read the changed head outputs."""
        donor = self.donated(kind, layer)
        before = self.naive.read("z", layer, self.base)
        module, _, _ = self.naive.site("z", layer)
        kept = []
        hook = module.register_forward_pre_hook(lambda _, args: kept.append(args[0]))
        try:
            self.naive.patched_logits(self.base, [(kind, layer, position, unit, donor)])
        finally:
            hook.remove()
        after = kept[0].reshape(before.shape)
        return float(((after - before) * self.gradient("z", layer, dropped)).sum())


@pytest.mark.parametrize("direction", ["noising", "denoising"])
@pytest.mark.parametrize("family", FAMILIES)
def test_atp_is_the_derivative(family, direction):
    pair = random_pairs(1, LENGTH, FIRST, seed=3)[0]
    result = run(tiny_model(family), (pair,), "atp", direction=direction)
    explicit = Explicit(family, pair, direction=direction)
    for kind in NODE_KINDS:
        for layer in range(LAYERS):
            expected = explicit.estimate(kind, layer).detach().numpy()
            np.testing.assert_allclose(result.effects[kind][0][layer], expected, atol=2e-5, err_msg=f"{kind} {layer}")
        assert np.abs(result.effects[kind][0]).max() > 1e-3


@pytest.mark.parametrize("family", [*FAMILIES, "qwen3", "mistral"])
def test_qk_fix_equals_recomputing_each_query_and_key(family):
    pair = random_pairs(1, LENGTH, FIRST, seed=4)[0]
    result = run(tiny_model(family), (pair,), "atp-qk", kinds=("q", "k", "z"))
    explicit = Explicit(family, pair)
    for kind in ("q", "k"):
        for layer, position, unit in ((0, 2, 0), (1, 4, 1), (1, 6, 0), (2, 3, 1), (2, 6, 1)):
            expected = explicit.fixed(kind, layer, position, unit)
            assert result.effects[kind][0][layer, position, unit] == pytest.approx(expected, abs=2e-5)
    np.testing.assert_array_equal(result.effects["z"][0], run(tiny_model(family), (pair,), "atp").effects["z"][0])


@pytest.mark.parametrize("family", ["llama", "neox"])
@pytest.mark.parametrize("method", ["atp-graddrop", "atp-star"])
def test_graddrop_equals_one_detached_backward_per_layer(family, method):
    pair = random_pairs(1, LENGTH, FIRST, seed=6)[0]
    result = run(tiny_model(family), (pair,), method)
    explicit = Explicit(family, pair)
    fixed_kinds = ("q", "k") if method == "atp-star" else ()
    for kind in NODE_KINDS:
        for layer in range(LAYERS):
            if kind in fixed_kinds:
                drops = [explicit.fixed(kind, layer, 4, 1, dropped=d) for d in range(LAYERS)]
                expected, got = sum(map(abs, drops)) / (LAYERS - 1), result.effects[kind][0][layer, 4, 1]
            else:
                total = sum(explicit.estimate(kind, layer, dropped=d).detach().abs() for d in range(LAYERS))
                expected = (total / (LAYERS if kind == "resid_pre" else LAYERS - 1)).numpy()
                got = result.effects[kind][0][layer]
            np.testing.assert_allclose(got, expected, atol=2e-5, err_msg=f"{kind} {layer}")
        assert result.effects[kind][0].min() >= 0


def saturated(family="llama"):
    """A model whose second layer attends with one key holding all the weight in float32."""
    model = tiny_hf(family)
    with torch.no_grad():
        attention = model.model.layers[1].self_attn
        attention.q_proj.weight.mul_(12)
        attention.k_proj.weight.mul_(12)
    return model


def test_qk_fix_where_one_key_holds_all_the_attention():
    from core.models.load import wrap
    from core.readouts.attention import attention_patterns

    pair = random_pairs(1, LENGTH, FIRST, seed=8)[0]
    model = wrap(saturated(), None, model_id="saturated")
    pattern = attention_patterns(model, pair).clean[1]
    full = (pattern[:, FIRST:] >= 1 - 1e-7).any(-1)
    assert full.sum() >= 4  # rows where 1 - p has lost the other keys
    result = run(model, (pair,), "atp-qk", kinds=("q", "k"))
    explicit = Explicit("llama", pair, model=saturated())
    for kind, units in (("q", 4), ("k", 2)):
        largest = 0.0
        for position in range(FIRST, LENGTH):
            for unit in range(units):
                expected = explicit.fixed(kind, 1, position, unit)
                assert result.effects[kind][0][1, position, unit] == pytest.approx(expected, abs=3e-5, rel=1e-4)
                largest = max(largest, abs(expected))
        assert largest > 0.01
        plain = run(model, (pair,), "atp", kinds=(kind,)).effects[kind][0][1]
        assert np.abs(plain - result.effects[kind][0][1]).max() > 0.01  # plain AtP misses it


def linear_model():
    """GPT-2 without norms or nonlinearity and with uniform attention: the logits are linear in v, z and writes."""
    model = tiny_hf("gpt2", scale=10)
    with torch.no_grad():
        for block in model.transformer.h:
            block.ln_1, block.ln_2, block.mlp.act = nn.Identity(), nn.Identity(), nn.Identity()
            block.attn.c_attn.weight[:, : 2 * 32] = 0
            block.attn.c_attn.bias[: 2 * 32] = 0
        model.transformer.ln_f = nn.Identity()
    return model


@pytest.mark.parametrize("direction", ["noising", "denoising"])
def test_on_a_linear_model_atp_is_exact(direction):
    from core.models.load import wrap

    model, pairs = wrap(linear_model(), None, model_id="linear"), random_pairs(3, LENGTH, FIRST)
    kinds = ("v", "z", "neuron", "attn_out", "mlp_out", "resid_pre")
    estimate = run(model, pairs, "atp", kinds=kinds, direction=direction)
    exact = run(model, pairs, "exact", kinds=kinds, direction=direction)
    for kind in kinds:
        for one, other in zip(estimate.effects[kind], exact.effects[kind]):
            np.testing.assert_allclose(one, other, atol=1e-5)
            assert np.abs(other).max() > 1e-3


def test_pairs_do_not_influence_each_other():
    model = tiny_model("qwen2")
    pairs = (*random_pairs(2, LENGTH, 4, seed=1), random_pairs(3, LENGTH, 1, seed=2)[2])
    together = run(model, pairs, "atp-star")
    for i, pair in enumerate(pairs):
        alone = run(model, (pair,), "atp-star")
        for kind in NODE_KINDS:
            np.testing.assert_allclose(together.effects[kind][i], alone.effects[kind][0], atol=1e-5)
            assert not together.effects[kind][i][:, : pair.first_difference].any()


def test_kl_from_the_clean_run_has_no_gradient_there_and_is_refused():
    with pytest.raises(SpecError, match="gradient 0"):
        run(tiny_model("gpt2"), random_pairs(1, LENGTH, FIRST), "atp", metric="kl")
    scores = run(tiny_model("gpt2"), random_pairs(1, LENGTH, FIRST), "atp", metric="kl", direction="denoising")
    assert np.abs(scores.effects["z"][0]).max() > 1e-4


def test_identical_activations_score_zero():
    """At layer 0 only differing tokens change q, k and v."""
    pair = random_pairs(1, LENGTH, FIRST, seed=3)[0]
    same = [i for i in range(LENGTH) if pair.clean_ids[i] == pair.corrupt_ids[i]]
    result = run(tiny_model("llama"), (pair,), "atp-star", kinds=("q", "k", "v"))
    for kind in ("q", "k", "v"):
        assert np.abs(result.effects[kind][0][0, same]).max() < 1e-6
        assert np.abs(result.effects[kind][0][0, pair.first_difference]).max() > 1e-4
