"""The kept contests: complete, and the conclusion drawn from them counted by hand."""

import json

import pytest

from core.export.trust.contests import KeptStudy, kept_studies, verdict
from core.patching.trust.contest import CONTESTANTS
from core.paths import ASSETS

KEPT = ASSETS / "study"


@pytest.mark.parametrize("study", kept_studies(KEPT), ids=lambda s: s.name)
def test_every_kept_contest_is_whole(study):
    assert set(study.costs()) == set(CONTESTANTS)
    assert all(cost > 1 for cost in study.costs().values())
    assert set(study.recall.method) == {*CONTESTANTS, "oracle"}
    assert study.recall.k.max() == study.n_nodes
    oracle = study.recall[study.recall.method == "oracle"]
    assert (oracle.cost == oracle.k * study.n_pairs).all()
    assert (study.recall.cost >= study.recall.k * study.n_pairs).all()
    assert set(study.bound.confidence) == {0.9, 0.99, 0.999}


def made(root, name, **costs):
    folder = root / name
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps({"relative_cost": {"attention": costs}}))
    return KeptStudy(folder)


def test_the_verdict_counts(tmp_path):
    one = made(tmp_path, "a-attention", **{"atp": 4.0, "atp-qk": 2.0, "atp-star": 3.0, "blocks": 8.0})
    two = made(tmp_path, "b_c-set", **{"atp": 4.0, "atp-qk": 5.0, "atp-star": 3.0, "blocks": 6.0})
    assert [(s.task, s.scope) for s in kept_studies(tmp_path)] == [("a", "attention"), ("b_c", "set")]
    found = verdict([one, two])
    assert found.cheapest == {"atp-qk": 1, "atp-star": 1}
    assert (found.fix_helps, found.drop_helps) == (1, 1)
    assert found.without == (2.0, 4.0)


def test_a_set_finds_its_own_signs_and_a_pair_none():
    for study in kept_studies(KEPT):
        assert len(study.signs) == (4 if study.scope == "set" else 0)
        for _, rows in study.signs.groupby("method"):
            spearman = rows.set_index("score").spearman
            assert study.agreements()[rows.method.iloc[0]]["spearman"] == pytest.approx(
                spearman["magnitudes"], abs=2e-4
            )
