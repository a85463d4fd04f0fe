"""Linked pairs and donors without a corrupt prompt on the real default model, against one-at-a-time hooks."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from core.models.catalogue import DEFAULT, find
from core.models.gguf import dequantised
from core.models.load import _gguf_file
from core.patching.donors.fixed import donors_of
from core.patching.exact import node_effects
from core.patching.nodes import Nodes
from core.patching.question import ask
from core.prompts.align import align
from core.prompts.links import sources
from core.prompts.pairs import PairSet, PromptPair
from core.terms import NODE_KINDS
from tests.core.patching.naive import Naive

pytestmark = pytest.mark.model
PAIRS = PairSet(
    "set",
    (
        PromptPair(
            "When Mary and John went out, John gave a drink to",
            "When Mary and John went out at last, Mary gave a drink to",
            " Mary",
            " John",
        ),
        PromptPair("When Tom and Anna met, Anna gave it to", "When Tom and Anna met, Tom gave it to", " Tom", " Anna"),
    ),
)


@pytest.fixture(scope="module")
def naive():
    file = _gguf_file(DEFAULT, find(DEFAULT))
    plain = AutoModelForCausalLM.from_pretrained(dequantised(file), dtype=torch.float32, attn_implementation="eager")
    return Naive("llama", plain)


def some_nodes(shape, positions):
    """One node a kind and position, layers and units at random."""
    rng = np.random.default_rng(0)
    columns = [
        (NODE_KINDS.index(kind), rng.integers(shape.n_layers - 1), position, rng.integers(shape.units(kind)))
        for kind in NODE_KINDS
        for position in positions
    ]
    return Nodes(*np.array(columns, dtype=np.int32).T)


def check(naive, question, nodes, ids, donated):
    """Effects of the nodes in the question's first pair equal patching each by hooks with ``donated(kind, layer)``."""
    pair = question.pairs[0]

    def value(logits):
        return float(logits[0, pair.answer_id] - logits[0, pair.distractor_id])

    got = node_effects(
        question.model,
        question.run,
        nodes,
        base_row=question.base_rows[0],
        donor_row=question.donor_rows[0],
        start=question.starts[0],
        read=lambda residual: question.read(0, residual),
        donors=question.donors,
    )
    base = value(naive.logits(ids))
    for i, effect in enumerate(got):
        node = nodes.at(i)
        patch = (node.kind, node.layer, node.position, node.unit or 0, donated(node.kind, node.layer))
        assert effect == pytest.approx(value(naive.patched_logits(ids, [patch])) - base, abs=1e-4), node
    assert np.abs(got).max() > 0.01


@pytest.mark.parametrize("direction", ["noising", "denoising"])
def test_linked_pairs(default_model, naive, direction):
    pair = align(PAIRS, default_model.tokenizer, link=True).pairs[0]
    places = sources(pair.links, len(pair.clean_ids), len(pair.corrupt_ids), direction=direction, spans="mean")
    question = ask(default_model, (pair,), kinds=NODE_KINDS, metric="logit_diff", direction=direction, spans="mean")
    moved = [i for i, found in enumerate(places) if found and found != (i,)]
    other = pair.corrupt_ids if direction == "noising" else pair.clean_ids

    def donated(kind, layer):
        read = naive.read(kind, layer, torch.tensor([other]))[0]
        return torch.stack([read[list(p)].mean(0) if p else read[0] for p in places])[None]

    ids = torch.tensor([pair.base_ids(direction)])
    check(naive, question, some_nodes(default_model.shape, moved[-1:]), ids, donated)


def test_the_mean_over_a_set(default_model, naive):
    pairs = align(PAIRS, default_model.tokenizer, link=True).pairs
    donors = donors_of("mean", default_model, pairs, NODE_KINDS)
    question = ask(default_model, pairs[:1], kinds=NODE_KINDS, metric="logit_diff", direction="noising", donors=donors)
    nodes = some_nodes(default_model.shape, (9,))
    nodes = nodes.take(~np.isin(nodes.kind, [NODE_KINDS.index("q"), NODE_KINDS.index("k")]))  # averaged as rotated

    def donated(kind, layer):
        read = [naive.read(kind, layer, torch.tensor([pair.clean_ids]))[0, 1:] for pair in pairs]
        return torch.cat(read).mean(0).expand(1, len(pairs[0]), -1)

    check(naive, question, nodes, torch.tensor([pairs[0].clean_ids]), donated)
