"""Screen and verify: exact where it says so, the estimate elsewhere, and found again as it was."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from core.errors import Cancelled, ResultError, SpecError
from core.export.folder import read_folder, write_folder
from core.patching.nodes import all_nodes
from core.patching.question import ask
from core.patching.results.told import screen_lines
from core.patching.spec import RunSpec, Screen, screening
from core.patching.subsets import single_effects
from core.patching.trust.oracle import Patching
from core.patching.trust.verification import begin
from core.prompts.pairs import PairSet, PromptPair
from core.runs import screen as module
from core.runs.checkpoint import Checkpoints
from core.runs.execute import execute, make_spec
from core.runs.sessions.session_file import restore, session_file
from core.runs.store import Store
from tests.core.patching.naive import Naive
from tests.tiny import random_pairs, tiny_hf, tiny_model

SET = PairSet("random", (PromptPair("a", "b", "c", "d"),))
KINDS = ("q", "k", "z", "mlp_out")


@pytest.fixture(scope="module")
def model():
    return tiny_model("llama")


def spec_of(model, screen=None, method="atp-qk", kinds=KINDS, **options):
    options = {"metric": "logit_diff", "direction": "noising"} | options
    return make_spec(model, SET, nodes=kinds, method=method, screen=screen, **options)


def difference(logits, pair):
    """Logit difference of the last position, of logits ``[..., vocabulary]``."""
    last = logits.double().reshape(-1, logits.shape[-1])[-1]
    return float(last[pair.answer_id] - last[pair.distractor_id])


def assert_same(a, b, atol=1e-5):
    for kind, arrays in a.effects.items():
        for x, y in zip(arrays, b.effects[kind], strict=True):
            np.testing.assert_allclose(x, y, atol=atol)


@pytest.mark.parametrize("direction", ["noising", "denoising"])
def test_with_every_node_verified_it_is_the_exact_sweep(model, direction):
    pairs = random_pairs(3, 7, 2)
    whole = execute(spec_of(model, Screen(10**4), direction=direction), model, pairs)
    assert_same(whole, execute(spec_of(model, method="exact", direction=direction), model, pairs))
    assert {bound for part in whole.screened for bound in part.bounds.values()} == {0.0}
    assert set(whole.to_frame()["source"]) == {"exact"}


def test_the_first_nodes_are_exact_and_the_others_what_they_were(model):
    others = (replace(pair, row=3 + pair.row) for pair in random_pairs(2, 9, 4, seed=1))
    pairs = (*random_pairs(3, 7, 2), *others)
    result = execute(spec_of(model, Screen(5)), model, pairs)
    estimate = execute(spec_of(model), model, pairs)
    exact = execute(spec_of(model, method="exact"), model, pairs)
    assert_same(result.estimate, estimate, atol=0)
    assert result.estimate.spec == estimate.spec
    for kind, arrays in result.effects.items():
        for pair, x in enumerate(arrays):
            known = result.exactness(kind, pair)
            np.testing.assert_allclose(x[known != 0], exact.effects[kind][pair][known != 0], atol=1e-5)
            np.testing.assert_array_equal(x[known == 0], estimate.effects[kind][pair][known == 0])
            assert (known == 1).any() <= (pair < 3), "pairs of other lengths stay estimates"
    for part in result.screened:
        first = begin(estimate, part.family, average="signed")
        assert part.nodes.layer.tolist() == first.nodes.take(first.state.order[:5]).layer.tolist()
    assert "those of other lengths stay estimates" in " ".join(screen_lines(result, "AtP"))


def test_verified_values_are_those_of_one_patch_at_a_time(model):
    pairs = random_pairs(2, 7, 2)
    result = execute(spec_of(model, Screen(4, samples=0)), model, pairs)
    assert all(not part.bounds for part in result.screened)
    naive = Naive("llama", tiny_hf("llama"))
    for row, pair in enumerate(pairs):
        clean, corrupt = (torch.tensor([ids]) for ids in (pair.clean_ids, pair.corrupt_ids))
        base = difference(naive.logits(clean), pair)
        for part in result.screened:
            for i in range(len(part.nodes)):
                node = part.nodes.at(i)
                unit = int(part.nodes.unit[i])
                donor = naive.read(node.kind, node.layer, corrupt)
                logits = naive.patched_logits(clean, [(node.kind, node.layer, node.position, unit, donor)])
                found = result.effects[node.kind][row][node.layer, node.position, unit]
                assert found == pytest.approx(difference(logits, pair) - base, abs=2e-5)


@pytest.mark.parametrize("family", ["gpt2", "gemma3"])
def test_batches_over_pairs_give_what_one_pair_at_a_time_gives(family):
    model, pairs = tiny_model(family), random_pairs(2, 8, 2) + random_pairs(2, 8, 4, seed=3)
    kinds = ("k", "z", "neuron", "attn_out", "resid_pre")
    question = ask(model, pairs, kinds=kinds, metric="logit_diff", direction="noising")
    nodes = all_nodes(kinds, model.shape, 2, 8)
    slow = Patching(question, nodes).effects(np.arange(len(nodes)))
    fast = single_effects(question, nodes)
    np.testing.assert_allclose(fast, slow, atol=1e-5)
    assert (fast[2:, nodes.position < 4] == 0).all()


def test_pairs_that_cannot_be_held_at_once_give_the_same(model, monkeypatch):
    pairs, spec = random_pairs(5, 7, 2), spec_of(model, Screen(6, samples=64))
    whole, real = execute(spec, model, pairs), module.screen
    monkeypatch.setattr("core.runs.execute.screen", lambda *a, **k: real(*a, **(k | {"at_once": 2})))
    parts = execute(spec, model, pairs)
    assert_same(parts, whole)
    for a, b in zip(parts.screened, whole.screened, strict=True):
        assert a.bounds == pytest.approx(b.bounds, rel=1e-3)


def test_what_a_cancelled_screen_has_is_kept_and_it_goes_on(model, tmp_path, monkeypatch):
    pairs, spec, partial = random_pairs(3, 7, 2), spec_of(model, Screen(20, samples=64)), []
    kept = Checkpoints(tmp_path / "cut")
    with pytest.raises(Cancelled):
        execute(spec, model, pairs, checkpoints=kept, on_partial=partial.append, cancelled=lambda: len(partial) >= 2)
    assert partial[0].partial == "0 of 31 nodes verified so far"
    assert partial[-1].partial.startswith("20 of 31 nodes")
    with pytest.raises(ResultError, match="a part of the run"):
        write_folder(partial[-1], tmp_path / "part")
    monkeypatch.setattr("core.runs.execute._run_batch", lambda *_, **__: pytest.fail("estimated twice"))
    steps = []
    again = execute(spec, model, pairs, checkpoints=kept, on_step=lambda *step: steps.append(step))
    monkeypatch.undo()
    assert steps[-1][0] == steps[-1][1]
    assert not again.partial
    assert_same(again, execute(spec, model, pairs), atol=1e-6)


def test_finished_pairs_of_a_sweep_are_its_own_numbers(model, tmp_path, monkeypatch):
    monkeypatch.setattr("core.runs.execute.PARTIAL_SECONDS", 0.0)
    pairs, partial = random_pairs(4, 7, 2), []
    spec = spec_of(model, method="exact")
    whole = execute(spec, model, pairs, checkpoints=Checkpoints(tmp_path / "c"), on_partial=partial.append)
    assert [p.partial for p in partial] == [f"{n} of 4 pairs so far" for n in (1, 2, 3)]
    assert len({p.key for p in (*partial, whole)}) == 4
    for part in partial:
        rows = [whole.pairs.index(run) for run in part.pairs]
        for kind, arrays in part.effects.items():
            for i, x in zip(rows, arrays, strict=True):
                np.testing.assert_array_equal(x, whole.effects[kind][i])


def test_it_is_stored_and_found_again(model, tmp_path):
    result = execute(spec_of(model, Screen(5)), model, random_pairs(3, 7, 2))
    write_folder(result, tmp_path / "out")
    store, other = Store(tmp_path / "store"), Store(tmp_path / "other")
    digest = store.put(result)
    restore(other, session_file(store, [digest]))
    assert store.entry(digest).method == "screen"
    for again in (read_folder(tmp_path / "out"), store.get(digest), other.get(digest)):
        assert again.spec == result.spec
        assert_same(again, result, atol=0)
        for a, b in zip(again.screened, result.screened, strict=True):
            assert (a.family, a.n_nodes, a.wanted, a.pairs, a.bounds) == (
                b.family,
                b.n_nodes,
                b.wanted,
                b.pairs,
                b.bounds,
            )
            np.testing.assert_array_equal(a.estimates, b.estimates)
    table = pd.read_csv(tmp_path / "out" / "effects.csv")
    assert list(table.columns)[-1] == "source"
    assert (table["source"] == result.to_frame()["source"]).all()
    assert json.loads((tmp_path / "out" / "run.json").read_text())["spec"]["screen"]["count"] == 5


@pytest.mark.parametrize("damage", ["pairs", "bounds", "family", "missing"])
def test_a_damaged_screen_is_refused(model, tmp_path, damage):
    write_folder(execute(spec_of(model, Screen(3, samples=64)), model, random_pairs(3, 7, 2)), tmp_path / "out")
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    entry = run["screened"][0]
    changes = {"pairs": {"pairs": [0, 1, 9]}, "bounds": {"bounds": [[2.0, 1.0]]}, "family": {"family": "writes"}}
    entry.update(changes.get(damage, {}))
    if damage == "missing":
        del run["screened"]
    (tmp_path / "out" / "run.json").write_text(json.dumps(run))
    with pytest.raises(ResultError):
        read_folder(tmp_path / "out")


def test_digests_of_runs_without_a_screen_are_what_they_were():
    settings = {"model": "tiny", "revision": "r1", "dtype": "float32", "pairs_digest": "d1", "metric": "logit_diff"}
    spec = RunSpec(**settings, direction="noising", nodes=("z", "mlp_out"), method="atp")
    assert "screen" not in spec.to_json()
    assert spec.digest == "7f151b6a691c3e04"
    screened = replace(spec, screen=Screen())
    assert screened.digest != spec.digest
    assert screened.estimate == spec
    assert RunSpec.from_json(screened.to_json()) == screened


def test_what_cannot_be_screened_is_refused():
    with pytest.raises(SpecError, match="at least 1"):
        Screen(0)
    with pytest.raises(SpecError):
        Screen(average="median")
    with pytest.raises(SpecError, match="verifies an estimate"):
        RunSpec("m", "r", "float32", "d", "logit_diff", "noising", ("z",), "exact", screen=Screen())
    assert (screening(("z", "mlp_out")), screening(("k", "z"))) == ("atp", "atp-qk")
