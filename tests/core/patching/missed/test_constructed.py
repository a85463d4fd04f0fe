"""The constructed failures of AtP: that they are what they say, that AtP misses and AtP* does not."""

import numpy as np
import pytest

from core.patching.estimates import estimate
from core.patching.missed.constructed import cancelling, saturated
from core.patching.nodes import all_nodes
from core.patching.place import Node
from core.patching.question import ask
from core.patching.trust.oracle import Patching
from core.readouts.attention import attention_patterns

KINDS = ("q", "k", "v", "z")


def scores(made, node):
    """Magnitude and rank (1 is the largest) of a node: exactly and by each method."""
    model, pair = made
    question = ask(model, (pair,), kinds=KINDS, metric="logit_diff", direction="noising")
    nodes = all_nodes(KINDS, model.shape, pair.first_difference, len(pair))
    index = next(i for i in range(len(nodes)) if nodes.at(i) == node)
    found = {"exact": np.abs(Patching(question, nodes).effects(np.arange(len(nodes)))[0])}
    for method in ("atp", "atp-qk", "atp-graddrop", "atp-star"):
        found[method] = estimate(question, nodes, KINDS, method)
    return {method: (float(x[index]), int((x > x[index]).sum()) + 1) for method, x in found.items()}


def test_one_key_holds_all_the_attention():
    model, pair = saturated()
    pattern = attention_patterns(model, pair).clean[0, 0]
    assert pattern[-1, 1] > 1 - 1e-7
    assert attention_patterns(model, pair).corrupt[0, 0, -1, 1] < 1e-7


def test_saturation_hides_the_key_from_atp_and_the_qk_fix_finds_it():
    found = scores(saturated(), Node("k", 0, 0, 1))
    assert found["exact"][0] == pytest.approx(1 + 2 / 3)  # from all on 'yes' to a third each on the other tokens
    assert found["exact"][1] <= 2
    assert found["atp"][0] < 1e-6
    assert found["atp"][1] > 6  # behind every bystander
    assert found["atp-graddrop"][1] > 6
    for method in ("atp-qk", "atp-star"):
        assert found[method][0] == pytest.approx(found["exact"][0], rel=1e-5)
        assert found[method][1] <= 3


def test_cancellation_hides_the_head_from_atp_and_graddrop_finds_it():
    found = scores(cancelling(), Node("z", 0, 0, 1))
    parts = 8.0  # what the head's output writes changes from 4 to -4
    assert found["exact"][0] > parts / 3
    assert found["exact"][1] <= 2
    assert found["atp"][0] == pytest.approx(1e-3 * parts, rel=1e-2)
    assert found["atp"][1] > 6
    assert found["atp-qk"][1] > 6
    for method in ("atp-graddrop", "atp-star"):
        assert found[method][0] == pytest.approx(parts, rel=1e-5)  # one part, not the sum
        assert found[method][1] <= 3


@pytest.mark.parametrize("make", [saturated, cancelling])
def test_the_constructed_models_answer_their_clean_prompts(make):
    model, pair = make()
    question = ask(model, (pair,), kinds=("z",), metric="logit_diff", direction="noising")
    clean, corrupt = question.values
    assert clean > corrupt + 1
