"""A store and a session file of an earlier version open, and show the numbers that version showed."""

import json
import shutil

import numpy as np
import pytest

from core.models.load import load_model
from core.paths import ROOT
from core.prompts.align import align
from core.prompts.parse import parse_pairs
from core.runs.execute import execute
from core.runs.sessions.session_file import restore
from core.runs.store import Store

EARLIER = ROOT / "tests" / "data" / "earlier"
EXPECTED = json.loads((EARLIER / "expected.json").read_text())
OF_PAIRS = [digest for digest, run in EXPECTED.items() if not run["lab"]]


@pytest.fixture(params=["store", "session file"])
def store(request, tmp_path):
    if request.param == "store":
        shutil.copytree(EARLIER / "store", tmp_path / "store")
        return Store(tmp_path / "store")
    fresh = Store(tmp_path / "fresh")
    assert set(restore(fresh, (EARLIER / "session.zip").read_bytes()).fresh) == set(EXPECTED)
    return fresh


def test_every_run_is_there_with_its_words_and_numbers(store):
    assert {entry.digest for entry in store.entries()} == set(EXPECTED)
    for entry in store.entries():
        said = EXPECTED[entry.digest]
        for word in ("lab", "name", "tags", "notes", "pinned", "method", "pairs", "pairs_digest"):
            assert getattr(entry, word) == said[word], word
        spec = entry.lab_spec if entry.lab else entry.spec
        assert spec.digest == entry.digest
        result, files = store.get(entry.digest), store.lab(entry.digest)
        if result is not None:
            assert [[p.clean_metric, p.corrupt_metric] for p in result.pairs] == said["metrics"]
            for kind, arrays in result.effects.items():
                sums = [float(np.nansum(np.abs(x).astype(np.float64))) for x in arrays]
                assert sums == said["effects"][kind]
        else:
            assert sorted(p.relative_to(files).as_posix() for p in files.rglob("*") if p.is_file()) == said["files"]


@pytest.mark.parametrize("digest", OF_PAIRS)
def test_the_same_question_has_the_same_digest_and_answer(digest, tmp_path):
    """What an old link names is found, and computed again it is the same."""
    shutil.copytree(EARLIER / "store", tmp_path / "store")
    stored = Store(tmp_path / "store").get(digest)
    pairs = parse_pairs((EARLIER / "sums.csv").read_bytes(), filename="sums.csv").or_raise()
    assert pairs.digest == stored.spec.pairs_digest
    model = load_model(stored.spec.model, device="cpu")
    again = execute(stored.spec, model, align(pairs, model.tokenizer).or_raise())
    for kind, arrays in stored.effects.items():
        for before, now in zip(arrays, again.effects[kind]):
            np.testing.assert_allclose(now, before, atol=1e-5)
