"""Chosen nodes and subsets of nodes against plain hooks."""

import numpy as np
import pytest
import torch

from core.patching.exact import Batching, node_effects
from core.patching.nodes import Nodes, all_nodes
from core.patching.question import ask
from core.patching.subsets import joint_effects
from core.terms import NODE_KINDS
from tests.core.patching.naive import Naive
from tests.tiny import FAMILIES, random_pairs, tiny_hf, tiny_model

LENGTH, FIRST = 7, 2


def question_of(family, pairs, direction="noising", kinds=NODE_KINDS):
    return ask(tiny_model(family), pairs, kinds=kinds, metric="logit_diff", direction=direction)


def naive_joint(naive, pair, chosen, direction="noising"):
    """Effect of patching a list of nodes together, by one forward with a hook a node."""
    clean, corrupt = torch.tensor([pair.clean_ids]), torch.tensor([pair.corrupt_ids])
    base, donor = (clean, corrupt) if direction == "noising" else (corrupt, clean)
    patches = [(n.kind, n.layer, n.position, n.unit or 0, naive.read(n.kind, n.layer, donor)) for n in chosen]

    def read(logits):
        logits = logits.double()[0]
        return float(logits[pair.answer_id] - logits[pair.distractor_id])

    return read(naive.patched_logits(base, patches)) - read(naive.logits(base))


@pytest.mark.parametrize("direction", ["noising", "denoising"])
@pytest.mark.parametrize("family", FAMILIES)
def test_subsets_equal_joint_patching_by_hooks(family, direction):
    pairs = (random_pairs(1, LENGTH, FIRST, seed=3)[0], random_pairs(2, LENGTH, FIRST + 2, seed=4)[1])
    question = question_of(family, pairs, direction)
    nodes = all_nodes(NODE_KINDS, question.model.shape, FIRST, LENGTH)
    rng = np.random.default_rng(0)
    members = rng.random((8, len(nodes))) < np.array([0.01, 0.05] * 4)[:, None]
    rows = np.arange(8) % 2
    got = joint_effects(question, nodes, members, rows)
    naive = Naive(family, tiny_hf(family))
    for sample, row, value in zip(members, rows, got):
        chosen = [nodes.at(i) for i in np.flatnonzero(sample)]
        assert value == pytest.approx(naive_joint(naive, pairs[row], chosen, direction), abs=5e-5)
    assert np.abs(got).max() > 0.02


def test_batch_sizes_do_not_change_subsets_and_an_empty_one_does_nothing():
    question = question_of("llama", random_pairs(2, LENGTH, 1), kinds=("q", "v", "neuron"))
    nodes = all_nodes(("q", "v", "neuron"), question.model.shape, 1, LENGTH)
    members = np.random.default_rng(1).random((9, len(nodes))) < 0.05
    members[4] = False
    rows = np.arange(9) % 2
    wide = joint_effects(question, nodes, members, rows, batching=Batching(10**6, 10**6))
    narrow = joint_effects(question, nodes, members, rows, batching=Batching(1, 1))
    np.testing.assert_allclose(wide, narrow, atol=2e-5)
    assert narrow[4] == 0
    assert np.abs(np.delete(wide, 4)).min() > 1e-4


@pytest.mark.parametrize("family", ["gpt2", "gemma2"])
def test_chosen_nodes_in_any_order_equal_hooks(family):
    pair = random_pairs(1, LENGTH, FIRST, seed=3)[0]
    question = question_of(family, (pair,))
    nodes = all_nodes(NODE_KINDS, question.model.shape, FIRST, LENGTH)
    some = nodes.take(np.random.default_rng(0).permutation(len(nodes))[:60])
    options = {"base_row": 0, "donor_row": 1, "start": FIRST, "read": lambda x: question.read(0, x)}
    got = node_effects(question.model, question.run, some, **options)
    narrow = node_effects(question.model, question.run, some, batching=Batching(2, 6), **options)
    naive = Naive(family, tiny_hf(family))
    expected = [naive_joint(naive, pair, [some.at(i)]) for i in range(60)]
    np.testing.assert_allclose(got, expected, atol=3e-5)
    np.testing.assert_allclose(narrow, expected, atol=3e-5)
    assert np.abs(got).max() > 0.02


def test_nodes_left_out_have_no_effect_and_all_others_are_there():
    question = question_of("llama", random_pairs(1, LENGTH, FIRST))
    shape = question.model.shape
    nodes = all_nodes(NODE_KINDS, shape, FIRST, LENGTH)
    per_position = 4 + 2 + 2 + 4 + 48 + 1 + 1 + 1
    unreachable = (LENGTH - FIRST - 1) * (per_position - 2 - 2 - 1)
    assert len(nodes) == 3 * (LENGTH - FIRST) * per_position - unreachable
    last = Nodes(*(np.array([x]) for x in (NODE_KINDS.index("z"), 2, FIRST, 0)))
    early = Nodes(*(np.array([x]) for x in (NODE_KINDS.index("z"), 0, FIRST - 1, 0)))
    for node in (last, early):
        assert joint_effects(question, node, np.ones((1, 1), bool), [0]) == pytest.approx(0, abs=1e-6)


def test_reading_arrays_gives_each_node_its_own_cell():
    shape = tiny_model("llama").shape
    nodes = all_nodes(("q", "k", "mlp_out"), shape, 1, 3)
    arrays = {kind: np.random.default_rng(0).random((2, 3, 3, shape.units(kind))) for kind in ("q", "k", "mlp_out")}
    read = nodes.read(arrays)
    assert read.shape == (2, len(nodes))
    for i in (0, 5, len(nodes) - 1):
        node = nodes.at(i)
        assert read[1, i] == np.float32(arrays[node.kind][1, node.layer, node.position, node.unit or 0])
