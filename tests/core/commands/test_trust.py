"""``verify`` and ``recall`` as a script would call them."""

import json

import numpy as np
import pandas as pd
import pytest

from core.__main__ import main
from core.export.folder import read_folder
from core.models.catalogue import DEFAULT
from tests.core.commands.test_attribute import GOOD

pytestmark = pytest.mark.model
SUMS = "clean,corrupt,answer,distractor\n12 + 5 =,40 + 5 =,17,45\n20 + 1 =,20 + 31 =,21,51\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trust")
    (folder / "pairs.csv").write_text(GOOD)
    command = ["attribute", "--model", DEFAULT, "--device", "cpu", "--pairs", str(folder / "pairs.csv")]
    for method in ("atp-star", "exact"):
        assert main([*command, "--nodes", "attn_out,mlp_out", "--method", method, "--out", str(folder / method)]) == 0
    return folder


def verify(place, out, *more, method="atp-star"):
    try:
        return main(["verify", "--device", "cpu", "--result", str(place / method), "--out", str(out), *more])
    except SystemExit as exit:
        return exit.code


def test_verify_replaces_estimates_by_exact_effects_and_goes_on(place, tmp_path, capsys):
    out = tmp_path / "out"
    assert verify(place, out, "--budget", "21", "--samples", "0") == 0
    assert json.loads((out / "summary.json").read_text())["verified"] == 10  # two pairs a node
    assert verify(place, out, "--top", "20", "--samples", "400") == 0
    assert "20 of" in capsys.readouterr().out
    table, summary = pd.read_csv(out / "verified.csv"), json.loads((out / "summary.json").read_text())
    assert summary["forward_passes"] == 40
    assert table.exact.notna().sum() == 20
    exact = read_folder(place / "exact").effects
    for row in table.head(20).itertuples():
        mean = np.mean([effects[row.layer, row.position, 0] for effects in exact[row.node]])
        assert row.exact == pytest.approx(mean, abs=1e-4)
    assert table.exact.abs().head(20).is_monotonic_decreasing
    largest_left = table.estimate[20:].max()
    assert largest_left <= table.estimate[:20].min()
    for bound in summary["bounds"]:
        assert bound["sure_of_top"] == (table.exact.abs() > (bound["bound"] or np.inf)).sum()


def test_verify_until_sure(tmp_path):
    pairs = tmp_path / "sums.csv"
    pairs.write_text(SUMS)
    command = ["attribute", "--model", "adder-grokked", "--device", "cpu", "--pairs", str(pairs), "--nodes", "q,k,v,z"]
    for method in ("atp", "exact"):
        assert main([*command, "--method", method, "--out", str(tmp_path / method)]) == 0
    out = tmp_path / "out"
    assert verify(tmp_path, out, "--sure", "3", "--confidence", "0.9", "--samples", "400", method="atp") == 0
    summary = json.loads((out / "summary.json").read_text())
    bound = next(b for b in summary["bounds"] if b["confidence"] == 0.9)
    assert bound["sure_of_top"] >= 3 or summary["verified"] == summary["n_nodes"]
    exact = read_folder(tmp_path / "exact").effects
    truth = np.concatenate([np.abs(np.stack(pairs).mean(0)).ravel() for pairs in exact.values()])
    top = pd.read_csv(out / "verified.csv").exact.abs()[:3]
    np.testing.assert_allclose(top, np.sort(truth)[::-1][:3], rtol=1e-3)


REFUSALS = {
    "an exact result": (["--top", "3"], "exact", "--result"),
    "both amounts": (["--top", "3", "--budget", "3"], "atp-star", "--budget"),
    "until sure without subsets": (["--sure", "3", "--samples", "0"], "atp-star", "--samples"),
    "sure of 0": (["--sure", "0"], "atp-star", "--sure"),
    "another confidence": (["--sure", "3", "--confidence", "0.5"], "atp-star", "--confidence"),
    "no amount": ([], "atp-star", "--budget"),
    "top 0": (["--top", "0"], "atp-star", "--top"),
    "no such family": (["--top", "3", "--family", "neurons"], "atp-star", "--family"),
    "no result": (["--top", "3"], "nowhere", "nowhere"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_verify_refuses_in_one_line(case, place, tmp_path, capsys):
    more, method, named = REFUSALS[case]
    assert verify(place, tmp_path / "out", *more, method=method) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_verify_leaves_another_verification_alone(place, tmp_path, capsys):
    out = tmp_path / "out"
    assert verify(place, out, "--top", "2", "--samples", "0") == 0
    summary = json.loads((out / "summary.json").read_text())
    (out / "summary.json").write_text(json.dumps(summary | {"result": "something else"}))
    before = (out / "verified.csv").read_bytes()
    assert verify(place, out, "--top", "4") == 2
    assert "--out" in capsys.readouterr().err
    assert (out / "verified.csv").read_bytes() == before


def recall(place, out, *more):
    pairs = str(place / "pairs.csv")
    try:
        return main(["recall", "--model", DEFAULT, "--device", "cpu", "--pairs", pairs, "--out", str(out), *more])
    except SystemExit as exit:
        return exit.code


def test_recall_writes_curves_numbers_and_bounds(place, tmp_path):
    out = tmp_path / "out"
    options = ["--nodes", "attn_out", "--methods", "atp,atp-star,iterative,hierarchical", "--seeds", "2"]
    assert recall(place, out, *options, "--bound-samples", "64") == 0
    table = pd.read_csv(out / "recall.csv")
    assert set(table.method) == {"oracle", "atp", "atp-star", "iterative", "hierarchical"}
    exact = np.stack(read_folder(place / "exact").effects["attn_out"]).mean(0)
    nodes = pd.read_csv(out / "nodes.csv", keep_default_na=False)
    np.testing.assert_allclose(nodes.exact, [exact[r.layer, r.position, 0] for r in nodes.itertuples()], atol=1e-4)
    summary = json.loads((out / "summary.json").read_text())
    assert set(summary["relative_cost"]["writes"]) == set(table.method) - {"oracle"}
    assert all(cost > 1 for cost in summary["relative_cost"]["writes"].values())
    bound = pd.read_csv(out / "bound.csv")
    assert set(bound.confidence) == {0.9, 0.99, 0.999}
    assert bound.true_max[0] == pytest.approx(np.abs(exact).max(), rel=1e-4)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["--methods", "magic"], "--methods"),
        (["--methods", ","], "--methods"),
        (["--nodes", "soul"], "--nodes"),
        (["--nodes", ","], "--nodes"),
        (["--seeds", "0"], "--seeds"),
        (["--samples", "0"], "--samples"),
        (["--metric", "kl", "--methods", "atp"], "--metric"),
    ],
)
def test_recall_refuses_in_one_line(more, named, place, tmp_path, capsys):
    assert recall(place, tmp_path / "out", *more) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
