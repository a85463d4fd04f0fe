"""A whole study on a tiny model: tables, audit, files, cache, probes from files."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from core.errors import Cancelled, ResultError, SpecError
from core.labs.knowledge import cache as caching
from core.labs.knowledge import study as studying
from core.labs.knowledge.audit import audit, reference_lines
from core.labs.knowledge.outcome import best, run_study
from core.labs.knowledge.probes.normalise import fit_normaliser
from core.labs.knowledge.probes.probe_file import has_normaliser, probe_bytes, read_probe
from core.labs.knowledge.settings import Settings
from core.labs.knowledge.study import COLUMNS, accuracy_table
from core.labs.knowledge.summary import StudyFiles, lines_of
from tests.core.labs.knowledge.conftest import WORDING, statements


def test_the_table_holds_every_method_seed_and_split(study):
    table = accuracy_table(study)
    assert list(table) == COLUMNS
    assert set(table.condition) == set(study.settings.conditions)
    ccs = table[(table.method == "ccs") & (table.condition == "word") & (table.layer == 3)]
    assert len(ccs) == 2 * study.settings.seeds
    assert ccs.loss.between(0, 1.5).all()
    assert table[["truth", "distractor"]].ge(0.5).all().all()
    assert set(table[table.method == "logistic"].split) == {"train", "test", "folds"}
    assert table[table.method == "zero-shot"].layer.isna().all()
    assert set(table[table.condition == "opinion:2"].layer.dropna()) == {3}


def test_held_out_accuracy_uses_the_normaliser_of_the_training_part(study):
    pairs, test = study.pairs("none", 3), study.test
    normaliser = fit_normaliser(pairs[:, ~test])
    d = normaliser(pairs)
    _, _, v = np.linalg.svd((d[1] - d[0])[~test] - (d[1] - d[0])[~test].mean(0))
    predicted = (d[1] - d[0])[test] @ v[0] > 0
    share = (predicted == study.labels[test]).mean()
    table = accuracy_table(study)
    found = table[(table.method == "pca") & (table.layer == 3) & (table.condition == "none") & (table.split == "test")]
    assert found.truth.item() == pytest.approx(max(share, 1 - share))


def test_folds_hold_every_item_out_once(study):
    scores = study.fold_scores("none", 3, "logistic")[0]
    for k in range(5):
        held = study.fold == k
        probe = study.fit("logistic", "none", 3, train=~held)
        assert np.allclose(scores[held], probe.scores(study.pairs("none", 3)[:, held])[0], atol=1e-5)
        assert not set(study.statements.groups[held]) & set(study.statements.groups[~held])


def test_every_method_gets_a_card_of_seven_checks(study):
    lines = reference_lines(study)
    for method in study.settings.methods:
        card = audit(study, method, lines)
        assert len(card.checks) == 7
        assert {check.outcome for check in card.checks} <= {"passed", "failed"}
        assert card.verdict
    table = accuracy_table(study)
    rows = table[(table.condition == "word") & (table.method == "ccs") & (table.layer == 3) & (table.split == "test")]
    word = next(check for check in audit(study, "ccs", lines).checks if check.name == "Random word")
    assert word.numbers["distractor"] == pytest.approx(rows.distractor.mean())
    assert word.numbers["truth"] == pytest.approx(rows.truth.mean())


def test_a_probe_from_a_file_answers_as_the_one_that_was_written(study):
    probe = best(study, "none", "ccs")
    again = read_probe(probe_bytes(probe), filename="mine.safetensors")
    pairs = study.pairs("none", 3)
    assert has_normaliser(again)
    assert np.allclose(again.scores(pairs), probe.scores(pairs), atol=1e-5)
    card = audit(study, "mine.safetensors", reference_lines(study), uploaded=again)
    assert card.seeds == 1
    assert card.layer == 3
    bare = io.BytesIO()
    np.savez(bare, direction=probe.weights[0, 1], bias=np.float32(0.1), layer=3)
    plain = read_probe(bare.getvalue(), filename="mine.npz")
    assert not has_normaliser(plain)
    assert (plain.weights[0, 0] == -plain.weights[0, 1]).all()


def npz(**arrays):
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "what"),
    [
        (b"nonsense", "a.safetensors", "not safetensors"),
        (b"nonsense", "a.npz", "not npz"),
        (npz(direction=np.ones(4)), "a.npz", "holds no layer"),
        (npz(direction=np.ones(4), layer=1, extra=1), "a.npz", "'extra'"),
        (npz(direction=np.zeros(4), layer=1), "a.npz", "not all zero"),
        (npz(direction=np.array([1.0, np.nan]), layer=1), "a.npz", "finite"),
        (npz(direction=np.ones(4), layer=1.5), "a.npz", "whole number"),
        (npz(direction=np.ones(4), layer=1, mean=np.ones((2, 3))), "a.npz", "do not fit"),
        (npz(direction=np.array(["a"]), layer=1), "a.npz", "does not hold numbers"),
        (npz(direction=np.array([{}], dtype=object), layer=1), "a.npz", "damaged"),
    ],
)
def test_files_that_are_no_probe_are_refused(data, name, what):
    with pytest.raises(ResultError, match=what):
        read_probe(data, filename=name)


def test_the_folder_can_be_read_back(tiny, cache, tmp_path):
    settings = Settings(conditions=("none", "word"), layers=(1, 2), focus=2, seeds=2, epochs=30)
    study = run_study(tiny, statements(), WORDING, settings, tmp_path, cache=cache, save_activations=True)
    files = StudyFiles(tmp_path)
    assert files.conditions == ["none", "word"]
    assert len(files.items) == 40
    assert len(files.scores) == 80
    assert {"ccs", "pca", "random 1"} <= set(files.steering.direction)
    assert np.allclose(files.steering[files.steering.dose == 0].change, 0)
    assert (files.rows("word", layer=2).method == "logistic").sum() == 1
    json.dumps(files.report, allow_nan=False)
    assert len(files.report["labellings"]) == 20
    assert any(line.startswith("word") for line in lines_of(tmp_path))
    saved = load_file(tmp_path / "activations.safetensors")
    assert saved["none/activations"].shape == (40, 2, 4, 32)
    assert np.array_equal(saved["split"].astype(bool), study.test)
    made = read_probe((tmp_path / "probe-pca.safetensors").read_bytes(), filename="probe-pca.safetensors")
    predicted = made.scores(saved["none/activations"][:, :, 2].transpose(1, 0, 2))[0] > 0
    share = (predicted == saved["label"])[study.test].mean()
    pca = files.rows("none", layer=2).query("method == 'pca'")
    assert pca.truth.item() == pytest.approx(max(share, 1 - share), abs=1e-5)


def test_a_repeated_study_computes_nothing_and_gives_the_same(tiny, cache, tmp_path, monkeypatch):
    settings = Settings(conditions=("none",), layers=(1,), seeds=2, epochs=30)
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
        run_study(tiny, statements(), WORDING, settings, folder, cache=cache)
        monkeypatch.setattr(caching, "extract", None)
        monkeypatch.setattr(studying, "fit", None)
    pd.testing.assert_frame_equal(*(pd.read_csv(folder / "accuracy.csv") for folder in folders))


def test_a_cancelled_study_stops_and_goes_on(tiny, tmp_path):
    cache = caching.Cache(tmp_path / "cache")
    settings = Settings(conditions=("none", "word"), layers=(1,), seeds=2, epochs=30)
    steps = []
    with pytest.raises(Cancelled):
        run_study(
            tiny, statements(), WORDING, settings, tmp_path, cache=cache,
            on_step=lambda *step: steps.append(step), cancelled=lambda: len(steps) > 3,
        )  # fmt: skip
    assert not (tmp_path / "audit.json").exists()
    run_study(tiny, statements(), WORDING, settings, tmp_path, cache=cache)
    assert (tmp_path / "audit.json").exists()


def test_the_cache_keeps_within_its_limit(tiny, tmp_path):
    cache = caching.Cache(tmp_path, limit=100_000)
    for words in ("cat", "dog", "Mary"):
        cache.activations(tiny, [(f"When {words} sat", f"When {words} gave")] * 100)
    kept = list((tmp_path / "activations").iterdir())
    assert len(kept) == 1
    assert kept[0].name == cache.activations_key(tiny, [("When Mary sat", "When Mary gave")] * 100)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"conditions": ("nothing",)}, "--distractor"),
        ({"methods": ("ccs", "magic")}, "--methods"),
        ({"norm": "max"}, "--norm"),
        ({"seeds": 0}, "--seeds"),
        ({"epochs": 0}, "--epochs"),
        ({"learning_rate": -1.0}, "--lr"),
        ({"methods": ()}, "at least one"),
    ],
)
def test_settings_without_meaning_are_refused(wrong, what):
    with pytest.raises(SpecError, match=what):
        Settings(**wrong)
    with pytest.raises(SpecError, match="no layer 9"):
        Settings(layers=(9,)).at(3)


def test_the_layer_of_focus_is_the_one_named_or_the_nearest_to_the_default():
    assert Settings(layers=(0, 12, 18, 30)).at(30).focus == 18
    assert Settings(layers=(0, 12, 18, 30), focus=0).at(30).focus == 0
    assert Settings().at(30).layers == (18,)


def test_signed_accuracies_and_shares_of_seeds_are_those_of_the_rows(tiny, cache, tmp_path):
    settings = Settings(conditions=("none", "word"), layers=(1, 2), focus=2, seeds=2, epochs=30)
    study = run_study(tiny, statements(), WORDING, settings, tmp_path, cache=cache)
    files = StudyFiles(tmp_path)
    table = files.numbers(["none", "word"], layer=2, split="test").set_index(["condition", "method"])
    rows = files.rows("word", layer=2).query("method == 'random'")
    assert table.truth_signed["word", "random"] == pytest.approx(rows.truth_signed.mean())
    assert table.finds_distractor["word", "random"] == pytest.approx((rows.distractor >= 0.9).mean())
    assert table.seeds["word", "random"] == 2
    scores, few = study.scores("word", 2, "random"), study.few
    turned = np.where(((scores[:, few] > 0) == study.labels[few]).mean(1) < 0.5, -1, 1)[:, None] * scores
    share = ((turned[:, study.test] > 0) == study.labels[study.test]).mean()
    assert table.truth_signed["word", "random"] == pytest.approx(share, abs=0.04)  # exact zeros aside
