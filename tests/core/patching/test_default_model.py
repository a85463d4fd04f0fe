"""The engine on the real default model: exact effects against one-at-a-time hooks, estimates against exact."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from transformers import AutoModelForCausalLM

from core.models.catalogue import DEFAULT, find
from core.models.gguf import dequantised
from core.models.load import _gguf_file
from core.patching.spec import NeuronSite
from core.prompts.align import align
from core.prompts.bundled import load_bundled
from core.runs.execute import execute, make_spec
from core.terms import NODE_KINDS
from tests.core.patching.naive import Naive

pytestmark = pytest.mark.model
CELLS = 6


@pytest.fixture(scope="module")
def plain():
    file = _gguf_file(DEFAULT, find(DEFAULT))
    return AutoModelForCausalLM.from_pretrained(dequantised(file), dtype=torch.float32, attn_implementation="eager")


@pytest.mark.parametrize("direction", ["noising", "denoising"])
def test_exact_effects_of_every_kind(default_model, plain, direction):
    pairs = load_bundled("agreement")
    pair = align(pairs, default_model.tokenizer).pairs[7]
    sites = tuple(NeuronSite(layer, len(pair) - 1) for layer in (3, 28))
    spec = make_spec(
        default_model, pairs, metric="logit_diff", direction=direction, nodes=NODE_KINDS, method="exact", neurons=sites
    )
    result = execute(spec, default_model, (pair,))
    naive, rng = Naive("llama", plain), np.random.default_rng(1)
    clean, corrupt = torch.tensor([pair.clean_ids]), torch.tensor([pair.corrupt_ids])
    base, donor = (clean, corrupt) if direction == "noising" else (corrupt, clean)

    def value(logits):
        return float(logits[0, pair.answer_id] - logits[0, pair.distractor_id])

    base_value = value(naive.logits(base))
    assert result.pairs[0].clean_metric == pytest.approx(value(naive.logits(clean)), abs=1e-4)
    for kind in NODE_KINDS:
        effects = result.effects[kind][0]
        largest = np.unravel_index(np.nanargmax(np.abs(effects)), effects.shape)
        asked = np.argwhere(~np.isnan(effects) & (effects != 0))
        for cell in (largest, *rng.choice(asked, CELLS, replace=False)):
            layer, position, unit = map(int, cell)
            read = naive.read(kind, layer, donor)
            expected = value(naive.patched_logits(base, [(kind, layer, position, unit, read)])) - base_value
            assert effects[layer, position, unit] == pytest.approx(expected, abs=1e-4), (kind, layer, position, unit)
        assert abs(effects[largest]) > 0.05


def test_estimates_rank_heads_like_exact_patching(default_model):
    pairs = load_bundled("ioi_abba")
    pair = align(pairs, default_model.tokenizer).pairs[:1]
    start = pair[0].first_difference

    def heads(method):
        spec = make_spec(default_model, pairs, metric="logit_diff", direction="noising", nodes=("z",), method=method)
        return execute(spec, default_model, pair).effects["z"][0][:, start:].ravel()

    exact, estimate, star = heads("exact"), heads("atp"), heads("atp-star")
    assert spearmanr(exact, estimate).statistic > 0.9
    assert len(set(np.argsort(-np.abs(exact))[:10]) & set(np.argsort(-star)[:10])) >= 6
