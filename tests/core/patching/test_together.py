"""Choices taken together: answers of several kinds with other donors; and what does not go together."""

import pytest
import torch

from core.errors import SpecError
from core.patching.spec import RunSpec, Screen
from core.prompts.pairs import PairSet
from core.runs.execute import execute, make_spec
from tests.core.patching.donors.test_fixed import by_hand
from tests.core.patching.naive import Naive
from tests.core.patching.test_answers import likely, runs, tolerance, value
from tests.tiny import random_pairs, tiny_hf, tiny_model

KINDS = ("v", "z", "attn_out", "mlp_out", "resid_pre")
LENGTH, LAYERS = 5, 3


@pytest.mark.parametrize("donor", ["zero", "mean"])
@pytest.mark.parametrize("metric", ["answer_log_prob", "prob_diff"])
def test_answers_with_other_donors_equal_one_at_a_time_patching(metric, donor):
    pairs = tuple(likely("llama", pair, metric) for pair in random_pairs(2, LENGTH, 2, seed=4))
    naive, model = Naive("llama", tiny_hf("llama")), tiny_model("llama")
    options = {"metric": metric, "direction": "noising", "nodes": KINDS, "donor": donor}
    spec = make_spec(model, PairSet("", ()), method="exact", **options)
    result = execute(spec, model, pairs)
    base, _ = runs(pairs[1], "noising")

    before = float(value(metric, naive.all_logits(base)[0], pairs[1]))
    assert result.pairs[1].clean_metric == pytest.approx(before, abs=tolerance(metric))
    for kind in KINDS:
        for layer in range(LAYERS):
            found = result.effects[kind][1][layer]
            prompt = by_hand(naive, pairs, pairs[1], donor, kind, layer)
            given = torch.cat([prompt, prompt[:, -1:].expand(-1, base.shape[1] - LENGTH, -1)], 1)
            for position in (0, LENGTH - 1):
                patched = naive.all_patched_logits(base, [(kind, layer, position, 0, given)])[0]
                effect = float(value(metric, patched, pairs[1])) - before
                assert found[position, 0] == pytest.approx(effect, abs=tolerance(metric)), (kind, layer, position)


FIELDS = {
    "model": "m",
    "revision": "r",
    "dtype": "float32",
    "pairs_digest": "p",
    "metric": "logit_diff",
    "direction": "noising",
    "nodes": ("z",),
    "method": "atp",
}


@pytest.mark.parametrize(
    "fields",
    [
        {"spans": "last", "screen": Screen()},
        {"spans": "last", "metric": "answer_log_prob"},
        {"donor": "mean-position", "metric": "answer_log_prob"},
        {"donor": "zero", "direction": "denoising"},
        {"donor": "mean", "spans": "mean"},
    ],
)
def test_what_does_not_go_together_is_refused(fields):
    with pytest.raises(SpecError) as refused:
        RunSpec(**FIELDS | fields)
    assert refused.value.next_step or refused.value.where


def test_defaults_leave_the_description_as_it_was():
    assert set(RunSpec(**FIELDS).to_json()) == {*FIELDS, "neurons"}
