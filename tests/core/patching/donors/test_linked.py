"""Linked pairs of unequal length against patching one node at a time, by plain hooks on projections.

Hooks on projections hold queries and keys before rotary embedding, so a donor's row put at another position is turned
for that position by the model itself: what the engine must equal.
"""

import dataclasses

import numpy as np
import pytest
import torch

from core.errors import SpecError
from core.patching.question import ask
from core.patching.results.summary import layer_by_position
from core.patching.spec import NeuronSite
from core.patching.trust.verification import begin
from core.prompts.links import find_links, sources
from core.prompts.pairs import PairSet, PromptPair
from core.runs.checkpoint import Checkpoints
from core.runs.execute import execute, make_spec
from core.terms import DIRECTIONS, NODE_KINDS, SPANS
from tests.core.patching.naive import Naive
from tests.core.patching.test_atp import Explicit
from tests.tiny import random_pairs, tiny_hf, tiny_model, token_pair

FAMILIES = ("llama", "neox", "gemma2")  # grouped queries; parallel blocks; soft caps and windows
LINKED = PairSet("linked", (PromptPair("a", "b", "c", "d", links=()),))  # so that a spec knows of links
LAYERS = 3


def linked_pair(row, clean, corrupt):
    plain = token_pair(row, clean, corrupt, 40, 50)
    return dataclasses.replace(plain, links=find_links(plain.clean_ids, plain.corrupt_ids))


def some_pairs():
    """Two pairs of the same two lengths with their spans elsewhere, and one of other lengths that grows at the end."""
    return (
        linked_pair(0, [11, 12, 13, 14, 15, 16], [11, 12, 23, 15, 25, 26, 16]),
        linked_pair(1, [11, 12, 13, 14, 15, 16], [21, 22, 12, 13, 14, 15, 16]),
        linked_pair(2, [31, 32, 33, 34], [31, 35, 33, 36, 37]),
    )


def run(model, pairs, method, *, spans="last", kinds=NODE_KINDS, direction="noising", of=LINKED):
    neurons = (NeuronSite(1, 2, 5), NeuronSite(0, -1, 3)) if method == "exact" and "neuron" in kinds else ()
    spec = make_spec(
        model, of, metric="logit_diff", direction=direction, nodes=kinds, method=method, neurons=neurons, spans=spans
    )
    return execute(spec, model, pairs)


def places(pair, direction, spans):
    return sources(pair.links, len(pair.clean_ids), len(pair.corrupt_ids), direction=direction, spans=spans)


def by_hand(naive, pair, direction, spans, kind, layer):
    """The donor's rows at the base's positions, as the module holds them; zeros where nothing is patched."""
    ids = pair.corrupt_ids if direction == "noising" else pair.clean_ids
    read = naive.read(kind, layer, torch.tensor([ids]))
    rows = [read[0, list(p)].mean(0) if p else torch.zeros(read.shape[-1]) for p in places(pair, direction, spans)]
    return torch.stack(rows)[None]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_exact_effects_equal_one_at_a_time_patching(family, direction):
    pairs, naive, model = some_pairs(), Naive(family, tiny_hf(family)), tiny_model(family)
    rng, largest = np.random.default_rng(0), 0.0
    for spans, asked in zip(SPANS, (pairs[:2], pairs[1:2], pairs[2:])):
        result = run(model, asked, "exact", spans=spans, direction=direction)
        for index, pair in enumerate(asked):
            base = torch.tensor([pair.base_ids(direction)])

            def value(logits, pair=pair):
                return float(logits[0, pair.answer_id] - logits[0, pair.distractor_id])

            unpatched = value(naive.logits(base))
            nowhere = [i for i, found in enumerate(places(pair, direction, spans)) if not found]
            for kind in NODE_KINDS:
                effects = result.effects[kind][index]
                assert effects.shape[1] == base.shape[1]
                assert np.isnan(effects[:, nowhere]).all()
                cells = np.argwhere(~np.isnan(effects))
                assert kind == "neuron" or len(cells) == effects.size - effects[:, nowhere].size
                most = np.unravel_index(np.nanargmax(np.abs(effects)), effects.shape)
                for layer, position, unit in (map(int, cell) for cell in (most, rng.choice(cells))):
                    donor = by_hand(naive, pair, direction, spans, kind, layer)
                    patched = value(naive.patched_logits(base, [(kind, layer, position, unit, donor)]))
                    got = effects[layer, position, unit]
                    assert got == pytest.approx(patched - unpatched, abs=3e-5), (spans, kind, layer, position)
                    largest = max(largest, abs(patched - unpatched))
    assert largest > 0.05


class ByHand(Explicit):
    """Estimates with linked rows of the donor."""

    def __init__(self, family, pair, direction, spans):
        super().__init__(family, pair, direction=direction)
        self.made = pair, direction, spans

    def donated(self, kind, layer):
        return by_hand(self.naive, *self.made, kind, layer)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_atp_family_estimates_the_same_patches(family, direction):
    pairs, model = some_pairs(), tiny_model(family)
    index, spans = (0, "mean") if direction == "noising" else (1, "last")
    explicit = ByHand(family, pairs[index], direction, spans)
    plain, fix, star = (
        run(model, pairs, method, spans=spans, direction=direction) for method in ("atp", "atp-qk", "atp-star")
    )
    here = [i for i, found in enumerate(places(pairs[index], direction, spans)) if found]
    for kind in NODE_KINDS:
        for layer in (0, LAYERS - 1) if kind in ("z", "resid_pre") else (1,):
            expected = explicit.estimate(kind, layer).detach().numpy()[here]
            np.testing.assert_allclose(plain.effects[kind][index][layer, here], expected, atol=3e-5, err_msg=kind)
        if kind in ("q", "k"):
            for position in here[2:4]:
                expected = explicit.fixed(kind, 1, position, 1)
                assert fix.effects[kind][index][1, position, 1] == pytest.approx(expected, abs=3e-5)
        assert np.isnan(star.effects[kind][index]).sum() == np.isnan(plain.effects[kind][index]).sum()
    drops = sum(explicit.estimate("z", 1, dropped=d).detach().abs() for d in range(LAYERS)).numpy()[here]
    np.testing.assert_allclose(star.effects["z"][index][1, here], drops / (LAYERS - 1), atol=3e-5)


@pytest.mark.parametrize("method", ["exact", "atp-star"])
def test_links_one_to_one_change_no_bit(method):
    model, pairs = tiny_model("llama"), random_pairs(3, 7, 2)
    linked = tuple(dataclasses.replace(pair, links=()) for pair in pairs)
    for direction in DIRECTIONS:
        one = run(model, pairs, method, of=PairSet("", ()), direction=direction)
        other = run(model, linked, method, direction=direction)
        assert (one.spec.spans, other.spec.spans) == (None, "last")
        for kind in NODE_KINDS:
            for a, b in zip(one.effects[kind], other.effects[kind]):
                np.testing.assert_array_equal(a, b)
        assert [p.clean_metric for p in one.pairs] == [p.clean_metric for p in other.pairs]


def test_a_prompt_moved_as_a_whole_gives_its_own_queries_and_keys_back():
    """With a token put in front, layer 0 sees the same tokens elsewhere: turned for their old places, q and k agree."""
    model = tiny_model("llama")
    clean = [11, 12, 13, 14, 15]
    asked = ask(
        model,
        (linked_pair(0, clean, [21, *clean]),),
        kinds=("q", "k"),
        metric="logit_diff",
        direction="noising",
        spans="last",
    )
    for kind in ("q", "k", "v"):
        torch.testing.assert_close(asked.donors.node(kind, 0), asked.run.node(kind, 0))
    assert (asked.donors.node("q", 2) - asked.run.node("q", 2)).abs().max() > 1e-3


def test_results_follow_the_run_that_is_patched_and_go_on_where_they_were_cut_off(tmp_path):
    model, pairs = tiny_model("llama"), some_pairs()
    spec = make_spec(model, LINKED, metric="logit_diff", direction="denoising", nodes=("z",), method="exact")
    kept = Checkpoints(tmp_path)
    result, again = (execute(spec, model, pairs, checkpoints=kept) for _ in range(2))
    assert result.groups() == {5: [2], 7: [0, 1]}
    for a, b in zip(result.effects["z"], again.effects["z"]):
        np.testing.assert_array_equal(a, b)
    table = result.to_frame()
    assert set(table[table["pair"] == "2"]["token"]) <= {f" t{i}" for i in pairs[2].corrupt_ids}
    assert layer_by_position(result, "z", n_tokens=7, collapse="sum").tokens == pairs[0].corrupt_tokens


def test_what_cannot_use_links_says_so():
    model, pairs = tiny_model("llama"), some_pairs()
    with pytest.raises(SpecError, match="--spans"):
        run(model, pairs, "atp", of=PairSet("", ()))
    with pytest.raises(SpecError, match="attribution only"):
        ask(model, pairs[:2], kinds=("z",), metric="logit_diff", direction="noising")
    with pytest.raises(SpecError, match="linked pairs"):
        begin(run(model, pairs, "atp", kinds=("z",)))


def test_donors_without_a_corrupt_prompt_do_not_ask_for_links():
    model, pairs = tiny_model("llama"), some_pairs()
    spec = make_spec(
        model, LINKED, metric="logit_diff", direction="noising", nodes=("z",), method="exact", donor="zero"
    )
    assert spec.spans is None
    result = execute(spec, model, pairs)
    assert [x.shape[1] for x in result.effects["z"]] == [6, 6, 4]
    assert not any(np.isnan(x).any() for x in result.effects["z"])
