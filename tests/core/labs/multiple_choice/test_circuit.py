"""Forwards of the last token against whole forwards, and every number that is made of them against a known truth."""

import numpy as np
import pytest
import torch

from core.labs.multiple_choice.inside.categories import SOURCES, categories, looks
from core.labs.multiple_choice.inside.nodes import (
    ABLATIONS,
    ablate_each,
    collect_donors,
    keep_only,
    net_direct,
    output_nodes,
    partners,
)
from core.labs.multiple_choice.inside.ranks import cases_of, losses_of, recovered
from core.labs.multiple_choice.inside.runs import measure, runs_of
from core.labs.multiple_choice.inside.subspace import (
    Restriction,
    Subspace,
    Vectors,
    between,
    collect,
    fit,
    maps_of,
    restricted,
    separation,
)
from core.labs.multiple_choice.questions.tokens import Asked
from core.models.attention import AttentionPass, attention_pass
from core.patching.base_run import watched_writes
from tests.tiny import VOCAB, tiny_model

FAMILIES = ("gpt2", "llama", "gemma2", "granite", "neox")  # plain, GQA, post-norms and soft-caps, factors, parallel


def questions(count=5, length=14, seed=0):
    """Random prompts with an option every third token; the second length makes a group of its own."""
    generator = torch.Generator().manual_seed(seed)
    out = []
    for row in range(count):
        ids = torch.randint(3, VOCAB, (length + row % 2,), generator=generator)
        kinds = [("cue", -1)] * len(ids)
        for option in range(4):
            kinds[1 + 3 * option : 4 + 3 * option] = [(kind, option) for kind in ("label", "option", "end")]
        out.append(Asked(row, tuple(ids.tolist()), tuple(kinds), tuple("ABCD"), (5, 6, 7, 8), row % 4))
    return out


def whole_forward(model, asked, edits=None, layer=None, mlp=None):
    """Logits at the last token of a plain forward with a hook."""
    ids = torch.tensor([asked.ids])

    def write(x):
        out = x.clone()
        out[:, -1] = mlp
        return out

    class AtLayer(AttentionPass):
        pass

    seen = []
    run = AttentionPass(edits=edits or {}, record=seen.append)
    watchers = {"mlp_out": write} if mlp is not None else {}
    with torch.no_grad(), attention_pass(run), watched_writes(model, watchers, 1, layer if watchers else None):
        return model.hf(input_ids=ids, use_cache=False).logits[0, -1], seen


def at_layer(layer, edit):
    """An edit that only the given layer's attention makes; layers call it in order."""
    count = iter(range(1000))
    return lambda x: edit(x) if next(count) == layer else x


@pytest.mark.parametrize("family", FAMILIES)
def test_total_effects_are_those_of_a_whole_forward_with_a_hook(family):
    model, prompts = tiny_model(family), questions()
    donors = collect_donors(model, prompts)
    for i, last in runs_of(model, prompts):
        z, mlp = donors.for_prompt(i)
        with torch.no_grad():
            streams = last.totals(z, mlp)
            got = measure(model, streams.flatten(0, 2), prompts[i])
        logits = got.logits.reshape(*streams.shape[:3], 4)
        for case, layer, unit in ((0, 0, 0), (1, 1, 2), (2, 2, 3), (2, 0, 4), (1, 2, 4)):
            if unit < 4:

                def put(x, value=z[case, layer, unit], head=unit):
                    out = x.clone()
                    out[:, head, -1] = value
                    return out

                wanted, _ = whole_forward(model, prompts[i], {"z": at_layer(layer, put)})
            else:
                wanted, _ = whole_forward(model, prompts[i], layer=layer, mlp=mlp[case, layer])
            torch.testing.assert_close(logits[case, layer, unit], wanted[[5, 6, 7, 8]].float(), atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_writes_add_up_to_what_patching_all_direct_paths_changes(family):
    """Replacing every node's direct write by itself changes nothing; at the last MLP direct and total are the same."""
    model, prompts = tiny_model(family), questions()
    ablated = ablate_each(model, prompts, collect_donors(model, prompts))
    np.testing.assert_allclose(ablated.logit[:, :, -1, -1, 0], ablated.logit[:, :, -1, -1, 1], atol=3e-4)
    assert np.abs(ablated.logit).max() > 1e-2
    for i, last in runs_of(model, prompts):
        torch.testing.assert_close(last.written(last.z[None], last.mlp[None])[0], last.writes)
        kept = keep_only(model, prompts, collect_donors(model, prompts), np.arange(15), cut=3)
        base = measure(model, last.final, prompts[i])
        assert kept.loss[i, 0, -1] == pytest.approx(float(base.loss[0]), abs=1e-4)
        break


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_net_direct_effects_are_the_linear_parts_of_the_logits(family):
    """Taking all nodes' parts, the embedding's and the biases' together gives the centred logit."""
    model, prompts = tiny_model(family), questions(2, seed=3)
    net = net_direct(model, prompts)
    from core.readouts.direct import direct_effects

    for i, last in runs_of(model, prompts):
        effects = direct_effects(model, torch.tensor([prompts[i].ids]), torch.tensor([prompts[i].label_ids]))
        rest = (effects.embed + effects.bias)[0, :, 0]
        centred = float(measure(model, last.final, prompts[i]).centred(prompts[i].answer)[0])
        assert net[i].sum() + rest[prompts[i].answer] - rest.mean() == pytest.approx(centred, abs=1e-3)


def test_the_cut_takes_the_smallest_prefix_that_holds_its_share():
    net = np.array([[[4.0, -3.0, 1.0], [3.0, 0.0, 2.0]]])
    order, cut = output_nodes(net)
    assert order.tolist() == [0, 3, 5, 2, 4, 1]
    assert cut == 3  # 4 + 3 = 7 of 10; 9 of 10
    assert output_nodes(net, share=0.7)[1] == 2
    assert output_nodes(-np.abs(net))[1] == 0


def test_partners_have_their_answer_at_another_place():
    answers = [0, 1, 2, 3, 1, 1]
    found = partners(answers)
    assert all(answers[i] != answers[j] for i, j in enumerate(found))
    assert partners([2, 2]).tolist() == [0, 1]


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
def test_a_whole_subspace_changes_nothing_and_queries_are_restricted_as_a_hook_would(family):
    model, prompts = tiny_model(family), questions()
    sites = {(1, 1): "label", (2, 3): "option"}
    vectors = collect(model, prompts, sites)
    answers = np.array([p.answer for p in prompts])
    width = model.shape.d_head
    rng = np.random.default_rng(0)
    whole = {h: {p: fit(v, p, answers, "random", width, rng) for p in "qkv"} for h, v in vectors.items()}
    low = {(1, 1): {"q": fit(vectors[1, 1], "q", answers, "random", 2, rng)}}
    maps = maps_of([Restriction(whole), Restriction(low), Restriction({})], sites, model)
    for i, last in runs_of(model, prompts):
        with torch.no_grad():
            rows = restricted(last, prompts[i], maps)
        torch.testing.assert_close(rows[[0, 2]], last.final.expand(2, -1), atol=3e-4, rtol=1e-3)

        def restrict(x, space=low[1, 1]["q"]):
            out = x.clone()
            out[:, 1, -1] = torch.tensor(space.keep(x[:, 1, -1].numpy()), dtype=x.dtype)
            return out

        wanted, _ = whole_forward(model, prompts[i], {"q": at_layer(1, restrict)})
        got = measure(model, rows[1:2], prompts[i]).logits[0]
        torch.testing.assert_close(got, wanted[[5, 6, 7, 8]].float(), atol=3e-4, rtol=1e-3)


def test_keys_are_restricted_for_one_head_of_a_group_only():
    model, prompts = tiny_model("llama"), questions(1)
    site = {(0, 1): "label"}
    vectors = collect(model, prompts, site)[0, 1]
    space = Subspace(vectors.flat("k").mean(0), np.zeros((model.shape.d_head, 0)))
    ((_, last),) = runs_of(model, prompts)
    at = [prompts[0].place("label", i) for i in range(4)]
    step = last.run.heads[0]
    k = step.k[0, 0].clone()
    k[at] = torch.tensor(space.mean, dtype=k.dtype)
    pattern = (step.q[0, 1, -1] @ k.T * step.scaling).softmax(-1)
    z = last.z.clone()
    z[0, 1] = pattern @ step.v[0, 0]
    with torch.no_grad():
        got = restricted(last, prompts[0], maps_of([Restriction({(0, 1): {"k": space}})], site, model))
        wanted = last.totals(z[None], last.mlp[None])[0, 0, 1]
    torch.testing.assert_close(got[0], wanted, atol=1e-4, rtol=1e-3)


def test_subspaces_find_what_is_planted():
    rng = np.random.default_rng(0)
    answers = np.arange(80) % 4
    corners = np.zeros((4, 8))
    corners[range(4), range(4)] = 5
    q = corners[answers] + 0.1 * rng.standard_normal((80, 8))
    planted = Vectors(
        q, np.tile(corners, (80, 1, 1)) + 0.1 * rng.standard_normal((80, 4, 8)), np.zeros((80, 4, 8)), "label"
    )
    for how in ("svd", "means"):
        space = fit(planted, "q", answers, how, 3, rng)
        assert np.abs(space.keep(q) - q).max() < 0.6
        np.testing.assert_allclose(space.basis.T @ space.basis, np.eye(3), atol=1e-9)
    lost = {
        how: np.square(fit(planted, "q", answers, how, 3, rng).keep(q) - q).sum() for how in ("svd", "means", "random")
    }
    assert lost["random"] > 10 * lost["svd"]
    assert lost["svd"] <= lost["means"] + 1e-9
    assert separation(planted, planted, "q", (answers, answers)) == 1
    noise = Vectors(rng.standard_normal((80, 8)), planted.k, planted.v, "label")
    assert separation(planted, noise, "q", (answers, answers)) < 0.6


def test_variance_between_groups_is_what_was_put_there():
    groups = np.repeat(np.arange(4), 25)
    x = np.random.default_rng(0).standard_normal((100, 3))
    x -= np.stack([x[groups == i].mean(0) for i in range(4)])[groups]
    assert between(x, groups) == pytest.approx(0, abs=1e-12)
    assert between(np.eye(4)[groups], groups) == pytest.approx(1)
    assert 0.4 < between(x / x.std() + 2 * np.eye(4)[groups][:, :3], groups) < 0.6


def test_losses_of_cases_join_the_parts():
    model, prompts = tiny_model("gpt2"), questions(6)
    sites, answers = {(2, 0): "label"}, np.array([p.answer for p in prompts])
    cases = cases_of(collect(model, prompts, sites), answers, seed=0)
    assert {(c.fit, c.rank) for c in cases if c.fit in ("means", "shuffled")} == {
        (f, r) for f in ("means", "shuffled") for r in (1, 2, 3)
    }
    donors = collect_donors(model, prompts)
    losses = losses_of(model, prompts, donors, sites, cases)
    for i, last in runs_of(model, prompts):
        assert losses.full[i] == pytest.approx(float(measure(model, last.final, prompts[i]).loss[0]), abs=1e-5)
    ablated = ablate_each(model, prompts, donors)
    np.testing.assert_allclose(
        losses.resampled - losses.full, ablated.loss[:, ABLATIONS.index("resample"), 2, 0, 1], atol=1e-4
    )


def test_recovered_loss_is_one_for_nothing_lost_and_not_a_number_where_nothing_can_be():
    assert recovered(1.0, 3.0, 1.0) == 1
    assert recovered(3.0, 3.0, 1.0) == 0
    assert np.isnan(recovered(1.0, 1.005, 1.0))


def rows_for(weights):
    """One head's means ``[place, 1, 1, source]`` from a function of (right place, source)."""
    table = np.array([[weights(place, kind, option) for kind, option in SOURCES] for place in range(4)], np.float32)
    return table[:, None, None]


HEADS = {
    "correct letter": lambda place, kind, option: 0.8 * (kind == "label" and option == place),
    "single letter": lambda place, kind, option: 0.9 * (kind == "label" and option == 1),
    "uniform": lambda place, kind, option: 0.2 * (kind == "label"),
    "content gatherer": lambda place, kind, option: 0.3 * (kind in ("option", "end") and option == place),
    "amplification": lambda place, kind, option: 0.7 * (kind == "cue"),
    "other": lambda place, kind, option: 0.9 * (kind == "question"),
}


@pytest.mark.parametrize("name", HEADS)
def test_heads_made_for_a_category_get_it(name):
    assert categories(rows_for(HEADS[name])) == [[name]]


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_where_heads_look_sums_to_one_and_follows_values(family):
    model, prompts = tiny_model(family), questions()
    found = looks(model, prompts)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
    ((i, last),) = list(runs_of(model, prompts[:1]))
    step = last.run.heads[1]
    pattern = torch.softmax(step.q[0, 3, -1] @ step.k[0, -1].T * step.scaling, -1)
    own = step.v[0, -1]
    from core.readouts.writes import heads_matrix

    weights = pattern * (own @ heads_matrix(model, 1)[3]).norm(dim=-1)
    weights = (weights / weights.sum()).numpy()
    label = weights[prompts[i].place("label", 2)]
    assert found[0, 1, 3, SOURCES.index(("label", 2))] == pytest.approx(label, abs=1e-5)
