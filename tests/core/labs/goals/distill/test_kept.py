"""The agents that come with the app: they are what their measures say, and every engine takes them."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from core.labs.goals.distill.heads import read_heads
from core.labs.goals.distill.make import KEPT, SETTINGS, as_teacher, kept_teachers, model_scores
from core.labs.goals.distill.measure import agreement
from core.labs.goals.distill.pairs import NAME
from core.labs.goals.distill.states import gather
from core.models.catalogue import CATALOGUE, SHIPPED
from core.models.load import load_model
from core.prompts.align import align
from core.prompts.bundled import load_bundled
from core.prompts.solving import logit_differences
from core.runs.execute import execute, make_spec
from tests.core.patching.naive import Naive

KINDS = ("q", "k", "v", "z", "mlp_out")
NAMES = [entry.id for entry in CATALOGUE if entry.id in SETTINGS]


@pytest.fixture(scope="module", params=NAMES)
def model(request):
    return load_model(request.param, device="cpu", dtype="float32")


def test_a_kept_agent_is_small_and_chooses_as_its_teacher_does(model):
    name = model.model_id
    assert sum(file.stat().st_size for file in (SHIPPED / name).iterdir()) < 2e6
    said = json.loads((KEPT / f"{name}.json").read_text())
    fresh = gather(as_teacher(kept_teachers()[name]), SETTINGS[name], 2000, np.random.default_rng(99))
    found = agreement(model_scores(model), fresh)
    assert found.clear == pytest.approx(said["agreement"]["clear"], abs=0.03)
    assert found.share_clear == pytest.approx(said["agreement"]["share_clear"], abs=0.05)


def test_it_solves_the_bundled_pairs(model):
    pairs = align(load_bundled(NAME), model.tokenizer)
    assert pairs.problems == ()
    for clean, corrupt in logit_differences(pairs.pairs, model.hf).values():
        assert clean > 0 > corrupt


def test_its_exact_effects_are_those_of_patching_one_at_a_time(model):
    pairs = load_bundled(NAME)
    (pair,) = align(type(pairs)("one", pairs.pairs[:1]), model.tokenizer).pairs
    spec = make_spec(model, pairs, metric="logit_diff", direction="noising", nodes=KINDS, method="exact")
    result = execute(spec, model, (pair,))
    naive = Naive("gpt2", load_model(model.model_id, device="cpu", dtype="float32").hf)
    clean, corrupt = torch.tensor([pair.clean_ids]), torch.tensor([pair.corrupt_ids])

    def value(logits):
        return float(logits.double()[0, pair.answer_id] - logits.double()[0, pair.distractor_id])

    base, rng, largest = value(naive.logits(clean)), np.random.default_rng(0), 0.0
    for kind in KINDS:
        effects = result.effects[kind][0]
        largest = max(largest, float(np.abs(effects).max()))
        donors = [naive.read(kind, layer, corrupt) for layer in range(model.shape.n_layers)]
        strongest = np.argsort(-np.abs(effects).ravel())[:10]
        drawn = rng.integers(0, effects.size, 10)
        for layer, position, unit in zip(
            *np.unravel_index(np.concatenate([strongest, drawn]), effects.shape), strict=True
        ):
            patch = (kind, int(layer), int(position), int(unit), donors[layer])
            expected = value(naive.patched_logits(clean, [patch])) - base
            assert effects[layer, position, unit] == pytest.approx(expected, abs=1e-5 * max(1.0, abs(expected)))
    assert largest > 0.5


def test_its_heads_are_those_of_the_kept_table(model):
    table = pd.read_csv(KEPT / "heads.csv")
    kept = table[table["model"] == model.model_id].drop(columns="model").to_numpy()
    np.testing.assert_allclose(kept, read_heads(model).table().to_numpy(), rtol=0.01, atol=2e-5)
