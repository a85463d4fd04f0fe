"""Where AtP misses: rows of attention and parts of effects against what they must sum to, and the constructed cases."""

import numpy as np
import pytest
import torch

from core.errors import SpecError
from core.patching.estimates import estimate
from core.patching.missed.constructed import cancelling, saturated
from core.patching.missed.failures import _sweep, find_failures
from core.patching.missed.parts import exact_parts
from core.patching.missed.saturation import attention_rows
from core.patching.nodes import all_nodes
from core.patching.place import Node
from core.patching.question import ask
from core.patching.trust.oracle import Patching
from core.progress import Progress
from core.readouts.attention import attention_patterns
from tests.tiny import random_pairs, tiny_model

KINDS = ("q", "k", "v", "z")
LENGTH, FIRST = 7, 3


def question(family, direction="noising"):
    pairs = random_pairs(1, LENGTH, FIRST)
    return ask(tiny_model(family), pairs, kinds=KINDS, metric="logit_diff", direction=direction)


@pytest.fixture(params=["llama", "gpt2", "gemma2", "neox"])
def asked(request):
    return question(request.param)


def test_rows_of_attention_sum_to_the_estimates(asked):
    sweep = _sweep(asked, Progress(0))
    for kind, unit, position in (("k", 1, FIRST), ("k", 0, LENGTH - 1), ("q", 2, FIRST + 1), ("q", 3, LENGTH - 1)):
        rows = attention_rows(asked, Node(kind, 1, unit, position), sweep.gradient[1])
        fixed, plain = (float(s[1][kind][0, position - FIRST, unit]) for s in (sweep.fixed, sweep.plain))
        assert sum(r.effect_after for r in rows) == pytest.approx(fixed, abs=1e-4, rel=1e-3)
        assert sum(r.effect_tangent for r in rows) == pytest.approx(plain, abs=1e-4, rel=1e-3)
        for row in rows:
            assert position <= row.query < LENGTH
            for values in (row.before, row.after, row.tangent):
                assert len(values) == row.query + 1
                assert sum(values) == pytest.approx(1, abs=1e-4)


def test_the_row_before_is_the_heads_attention():
    model = tiny_model("llama")
    asked = ask(model, random_pairs(1, LENGTH, FIRST), kinds=KINDS, metric="logit_diff", direction="noising")
    pattern = attention_patterns(model, asked.pairs[0]).clean[1]
    for row in attention_rows(asked, Node("k", 1, 1, 4), _sweep(asked, Progress(0)).gradient[1]):
        assert row.head in (2, 3)  # two query heads share a kv head
        np.testing.assert_allclose(row.before, pattern[row.head, row.query, : row.query + 1], atol=1e-5)


def test_scores_are_those_of_the_estimates(asked):
    sweep, nodes = _sweep(asked, Progress(0)), all_nodes(KINDS, asked.model.shape, FIRST, LENGTH)
    for method in ("atp", "atp-qk", "atp-graddrop", "atp-star"):
        found = nodes.read(sweep.scores(method, asked.model.shape.n_layers, FIRST, LENGTH))
        np.testing.assert_allclose(found, estimate(asked, nodes, KINDS, method), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("direction", ["noising", "denoising"])
@pytest.mark.parametrize("kind", ["q", "k", "v", "z"])
def test_parts_hold_one_block_at_a_time(kind, direction):
    """Against plain hooks: the node patched, and a block's output replaced by its input plus the base run's write."""
    asked, node = question("llama", direction), Node(kind, 0, 1, LENGTH - 2)
    parts = exact_parts(asked, node)
    nodes = all_nodes(KINDS, asked.model.shape, FIRST, LENGTH)
    index = next(i for i in range(len(nodes)) if nodes.at(i) == node)
    assert parts.total == pytest.approx(float(Patching(asked, nodes).effects(np.array([index]))[0, 0]), abs=1e-4)
    assert parts.layers == (1, 2)
    held = [_effect_holding(asked, node, layers) for layers in ([1], [2], [1, 2])]
    assert parts.through == pytest.approx([parts.total - held[0], parts.total - held[1]], abs=1e-4)
    assert parts.direct == pytest.approx(held[2], abs=1e-4)
    if kind in ("q", "z"):
        assert abs(parts.direct) < 1e-4  # only a later block's attention reads this position


def _effect_holding(asked, node, layers):
    """Effect of a node while some blocks' writes are those of the base run."""
    from core.models.attention import AttentionPass, attention_pass

    model, run, base, donor = asked.model, asked.run, asked.base_rows[0], asked.donor_rows[0]
    value = getattr(run.heads[node.layer], node.kind)[donor, node.unit, node.position]
    seen = []

    def edit(x):
        seen.append(0)
        new = x.clone()
        if len(seen) == node.layer + 1:  # every layer edits in turn
            new[0, node.unit, node.position] = value
        return new

    def hold(layer):
        write = run.inputs[layer + 1][base] - run.inputs[layer][base]
        return lambda _, args, out: args[0] + write

    hooks = [model.parts.blocks[layer].register_forward_hook(hold(layer)) for layer in layers]
    pair = asked.pairs[0]
    ids = torch.tensor([pair.clean_ids if base == 0 else pair.corrupt_ids])
    try:
        with torch.no_grad(), attention_pass(AttentionPass(edits={node.kind: edit})):
            logits = model.hf(input_ids=ids, use_cache=False).logits[0, -1]
    finally:
        for hook in hooks:
            hook.remove()
    return float(logits[pair.answer_id] - logits[pair.distractor_id]) - asked.values[base]


def of(made):
    model, pair = made
    return find_failures(ask(model, (pair,), kinds=KINDS, metric="logit_diff", direction="noising"))


def test_the_saturated_key_is_found_and_its_row_shows_why():
    found = of(saturated())
    first = found.candidates[0]
    assert (first.node, first.repair, first.rescued) == (Node("k", 0, 0, 1), "atp-qk", True)
    assert first.rank["atp"] > 6 >= 3 >= first.rank["atp-star"]
    row = first.row
    assert row.before[1] > 1 - 1e-7
    assert row.after[1] < 1e-7
    assert row.tangent[1] == pytest.approx(row.before[1], abs=1e-6)  # the gradient sees nothing move
    assert row.effect_after == pytest.approx(first.exact, rel=1e-4)
    assert row.effect_tangent == pytest.approx(0, abs=1e-6)


def test_the_cancelling_head_is_found_and_its_parts_show_why():
    found = of(cancelling())
    first = next(c for c in found.candidates if (c.repair, c.node) == ("atp-graddrop", Node("z", 0, 0, 1)))
    assert first.rescued
    assert first.rank["atp"] > 6 >= 3 >= first.rank["atp-star"]
    assert first.parts.layers == (1,)
    assert first.parts.direct == pytest.approx(-8, abs=1e-3)
    assert first.estimated[0] == pytest.approx(8 * (1 - 1e-3), rel=1e-3)  # to a thousandth what is direct
    assert first.parts.through[0] == pytest.approx(first.exact + 8, abs=1e-3)
    assert first.parts.through[0] < 5  # really, only half is taken back


def test_a_pair_at_a_time():
    asked = ask(
        tiny_model("gpt2"), random_pairs(2, LENGTH, FIRST), kinds=KINDS, metric="logit_diff", direction="noising"
    )
    with pytest.raises(SpecError, match="one pair"):
        find_failures(asked)


def test_what_is_announced_is_what_is_done():
    steps = []
    found = find_failures(question("llama"), on_step=lambda done, total: steps.append((done, total)))
    assert steps[-1][0] == steps[-1][1]
    for candidate in found.candidates:
        assert candidate.rank["atp"] >= 2 * candidate.rank[candidate.repair]
        assert candidate.parts.total == pytest.approx(candidate.exact, abs=1e-4)
