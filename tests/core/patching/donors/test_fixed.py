"""Zeros and means as donors, against patching one node at a time with values made by hand."""

import dataclasses

import numpy as np
import pytest
import torch

from core.errors import SpecError
from core.models.load import wrap
from core.patching.base_run import base_run
from core.patching.cost import method_costs
from core.patching.donors import fixed
from core.patching.donors.fixed import MEANS, donors_of
from core.patching.spec import NeuronSite, RunSpec
from core.patching.trust.verification import Goal, begin, carry_on
from core.prompts.pairs import PairSet
from core.runs.execute import execute, make_spec
from core.terms import NODE_KINDS
from tests.core.patching.naive import Naive
from tests.core.patching.test_atp import Explicit, linear_model
from tests.tiny import random_pairs, tiny_hf, tiny_model

FAMILIES = ("llama", "neox", "gemma2")  # grouped queries; parallel blocks; soft caps and windows
DONORS = ("zero", *MEANS)
LENGTH, LAYERS = 5, 3
SITES = (NeuronSite(0, 0, 3), NeuronSite(1, 2, 5), NeuronSite(2, -1, 7))


def some_pairs():
    """Two lengths, two pairs each."""
    return (*random_pairs(2, LENGTH, 2, seed=1), *numbered(random_pairs(2, 4, 1), 2))


def numbered(pairs, first):
    """The same pairs with rows ``first``, ``first + 1``, ..."""
    return tuple(dataclasses.replace(pair, row=first + i) for i, pair in enumerate(pairs))


def run(model, pairs, method, donor, *, kinds=NODE_KINDS, **options):
    neurons = SITES if method == "exact" and "neuron" in kinds else ()
    options = {"metric": "logit_diff", "direction": "noising"} | options
    spec = make_spec(model, PairSet("", ()), nodes=kinds, method=method, neurons=neurons, donor=donor, **options)
    return execute(spec, model, pairs)


def by_hand(naive, pairs, pair, donor, kind, layer):
    """The donor of a kind at one layer as a module tensor ``[1, position, width]``, by its definition."""
    read = [naive.read(kind, layer, torch.tensor([p.clean_ids])) for p in pairs]
    own = read[pairs.index(pair)]
    if donor == "zero":
        return torch.zeros_like(own)
    if donor == "mean":
        return torch.cat([x[0, 1:] for x in read]).mean(0).expand_as(own)
    return torch.cat([x for x in read if x.shape == own.shape]).mean(0, keepdim=True)


def rotated_alone(family, donor, kind):
    """Whether a projection's mean is not the mean that enters the dot product: see the module's docstring."""
    return donor == "mean" and kind in ("q", "k") and family != "gpt2"


@pytest.mark.parametrize(
    ("family", "donor"), [("gpt2", "mean"), *((family, donor) for family in FAMILIES for donor in DONORS)]
)
def test_exact_effects_equal_one_at_a_time_patching(family, donor):
    pairs, naive = some_pairs(), Naive(family, tiny_hf(family))
    result = run(tiny_model(family), pairs, "exact", donor)
    rng, largest = np.random.default_rng(0), 0.0
    for i in (0, 3) if donor == "mean-position" else (3,):
        pair = pairs[i]
        clean = torch.tensor([pair.clean_ids])

        def value(logits, pair=pair):
            return float(logits[0, pair.answer_id] - logits[0, pair.distractor_id])

        unpatched = value(naive.logits(clean))
        for kind in NODE_KINDS:
            if rotated_alone(family, donor, kind):
                continue
            effects = result.effects[kind][i]
            cells = np.argwhere(~np.isnan(effects))
            for layer, position, unit in cells[rng.choice(len(cells), 2, replace=False)].tolist():
                donated = by_hand(naive, pairs, pair, donor, kind, layer)
                patched = value(naive.patched_logits(clean, [(kind, layer, position, unit, donated)]))
                assert effects[layer, position, unit] == pytest.approx(patched - unpatched, abs=3e-5), (kind, layer)
                largest = max(largest, abs(patched - unpatched))
        assert np.abs(result.effects["resid_pre"][i][:, 0]).max() > 1e-3  # also before the prompts differ
    assert largest > 0.05


class ByHand(Explicit):
    """Estimates with a donor made by hand."""

    def __init__(self, family, pairs, pair, donor):
        super().__init__(family, pair)
        self.made = pairs, pair, donor

    def donated(self, kind, layer):
        return by_hand(self.naive, *self.made, kind, layer)


@pytest.mark.parametrize("donor", DONORS)
@pytest.mark.parametrize("family", FAMILIES)
def test_atp_is_the_donor_less_the_base_times_the_gradient(family, donor):
    pairs = some_pairs()
    explicit = ByHand(family, pairs, pairs[0], donor)
    model = tiny_model(family)
    plain, fix, star = (run(model, pairs, method, donor) for method in ("atp", "atp-qk", "atp-star"))
    for kind in NODE_KINDS:
        if rotated_alone(family, donor, kind):
            continue
        for layer in (0, LAYERS - 1) if kind in ("z", "resid_pre") else (1,):
            expected = explicit.estimate(kind, layer).detach().numpy()
            np.testing.assert_allclose(plain.effects[kind][0][layer], expected, atol=3e-5, err_msg=f"{kind} {layer}")
        if kind in ("q", "k"):
            for layer, position, unit in ((0, 0, 0), (1, 2, 1)):
                expected = explicit.fixed(kind, layer, position, unit)
                assert fix.effects[kind][0][layer, position, unit] == pytest.approx(expected, abs=3e-5)
    drops = sum(explicit.estimate("z", 1, dropped=d).detach().abs() for d in range(LAYERS)).numpy()
    np.testing.assert_allclose(star.effects["z"][0][1], drops / (LAYERS - 1), atol=3e-5)


@pytest.mark.parametrize("donor", DONORS)
def test_on_a_linear_model_atp_is_exact(donor):
    model, pairs = wrap(linear_model(), None, model_id="linear"), random_pairs(3, 5, 2)
    kinds = ("v", "z", "neuron", "attn_out", "mlp_out", "resid_pre")
    estimate, exact = (run(model, pairs, method, donor, kinds=kinds) for method in ("atp", "exact"))
    for kind in kinds:
        for one, other in zip(estimate.effects[kind], exact.effects[kind]):
            patched = ~np.isnan(other)
            np.testing.assert_allclose(one[patched], other[patched], atol=1e-5)
            assert np.abs(other[patched]).max() > 1e-4


def test_means_are_those_of_the_activations_that_are_patched(monkeypatch):
    model, pairs = tiny_model("llama"), some_pairs()
    bases = [base_run(model, torch.tensor([p.clean_ids], device=model.device), NODE_KINDS) for p in pairs]
    for chunk in (1024, 1):
        monkeypatch.setattr(fixed, "TOKENS_AT_ONCE", chunk)
        over = donors_of("mean", model, pairs, NODE_KINDS)(bases[0])
        at = donors_of("mean-position", model, pairs, NODE_KINDS)(bases[0])
        for kind in NODE_KINDS:
            activations = [base.node(kind, 1)[0] for base in bases]
            all_later = torch.cat([x[..., 1:, :] for x in activations], -2).mean(-2, keepdim=True)
            torch.testing.assert_close(over.node(kind, 1)[0], all_later.expand_as(activations[0]))
            torch.testing.assert_close(at.node(kind, 1)[0], (activations[0] + activations[1]) / 2)


def test_the_corrupt_prompts_do_not_enter():
    model, pairs = tiny_model("llama"), random_pairs(2, LENGTH, 4)
    others = tuple(dataclasses.replace(p, corrupt_ids=p.clean_ids[::-1]) for p in pairs)
    for donor in DONORS:
        one, other = (run(model, some, "exact", donor, kinds=("z",)) for some in (pairs, others))
        for a, b in zip(one.effects["z"], other.effects["z"]):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_mean_over_nothing_is_refused():
    model, pairs = tiny_model("llama"), some_pairs()
    with pytest.raises(SpecError, match="Only one clean prompt has 4 tokens"):
        run(model, pairs[:3], "atp", "mean-position", kinds=("z",))
    with pytest.raises(SpecError, match="single token"):
        run(model, random_pairs(2, 1, 0), "atp", "mean", kinds=("z",))


def test_an_estimate_with_means_is_verified_with_the_means_of_the_whole_set():
    model, pairs = tiny_model("llama"), (*some_pairs(), *numbered(random_pairs(1, 3, 1), 4))
    verified = begin(run(model, pairs, "atp", "mean", kinds=("z",)))
    assert verified.nodes.position.min() == 0
    carry_on(verified, model, Goal(count=10))
    exact = run(model, pairs, "exact", "mean", kinds=("z",))
    known = verified.state.order[:10]
    expected = verified.nodes.read({"z": exact.stack("z", [2, 3])})
    np.testing.assert_allclose(verified.state.exact[:, known], expected[:, known], atol=1e-5)


def test_costs_count_every_position_and_the_means():
    shape, pairs = tiny_model("llama").shape, random_pairs(2, 12, 10)
    cost = {
        donor: {c.method: c.forwards for c in method_costs(shape, pairs, ("z",), speed=1e5, donor=donor)}
        for donor in ("corrupt", *DONORS)
    }
    early = {c.method: c.forwards for c in method_costs(shape, random_pairs(2, 12, 0), ("z",), speed=1e5)}
    assert cost["zero"] == early != cost["corrupt"]
    assert cost["mean"]["atp"] == cost["zero"]["atp"] + len(pairs)


SETTINGS = {
    "model": "smollm2-135m",
    "revision": "r1",
    "dtype": "float32",
    "pairs_digest": "0123456789abcdef",
    "metric": "logit_diff",
    "direction": "noising",
    "nodes": ("z", "mlp_out"),
    "method": "atp-star",
}


def test_a_donor_enters_the_description_only_where_it_is_chosen():
    spec = RunSpec(**SETTINGS)
    assert spec.digest == "89394e593438c7e8"  # as before there were donors
    assert "donor" not in spec.to_json()
    with_zeros = RunSpec(**SETTINGS, donor="zero")
    assert with_zeros.to_json()["donor"] == "zero"
    assert with_zeros.digest != spec.digest
    assert RunSpec.from_json(with_zeros.to_json()) == with_zeros
    assert RunSpec.from_json(spec.to_json() | {"donor": "corrupt"}) == spec
    with pytest.raises(SpecError, match="unknown fields"):
        RunSpec.from_json(spec.to_json() | {"donors": "zero"})
    with pytest.raises(SpecError, match="--donor"):
        RunSpec(**SETTINGS, donor="median")
    with pytest.raises(SpecError, match="restore nothing"):
        RunSpec(**SETTINGS | {"direction": "denoising"}, donor="zero")
