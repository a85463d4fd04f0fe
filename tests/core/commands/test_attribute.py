"""The command line as a script would call it: files written, refusals on one line, nothing half-written."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from core.__main__ import main
from core.export.folder import read_folder
from core.models.catalogue import CATALOGUE, DEFAULT
from core.runs.store import Store

GOOD = (
    "clean,corrupt,answer,distractor,name\n"
    '"When Mary and John went to the store, John gave a drink to","When Mary and John went to the store, Mary gave a '
    'drink to", Mary, John,first\n'
    '"When Anna and Tom went to the park, Tom gave a ball to","When Anna and Tom went to the park, Anna gave a ball '
    'to", Anna, Tom,\n'
)


@pytest.fixture
def pairs(tmp_path):
    file = tmp_path / "pairs.csv"
    file.write_text(GOOD)
    return file


def attribute(pairs, out, *more):
    return main(["attribute", "--model", DEFAULT, "--device", "cpu", "--pairs", str(pairs), "--out", str(out), *more])


def test_models_lists_the_catalogue(capsys):
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [entry.id for entry in CATALOGUE]


@pytest.mark.model
def test_attribute_writes_effects_and_run(pairs, tmp_path, capsys):
    out = tmp_path / "out"
    assert attribute(pairs, out, "--method", "atp", "--nodes", "v,z,mlp_out", "--direction", "denoising") == 0
    table = pd.read_csv(out / "effects.csv", keep_default_na=False)
    assert list(table.columns) == ["pair", "node", "layer", "head", "position", "token", "effect"]
    assert set(table["pair"]) == {"first", "1"}  # the row stands in for a missing name
    assert set(table.loc[table["node"] == "mlp_out", "head"]) == {""}
    assert len(table) == 2 * 30 * 14 * (3 + 9 + 1)
    run = json.loads((out / "run.json").read_text())
    assert run["spec"]["method"] == "atp"
    assert len(run["pairs"][0]["clean_tokens"]) == 14
    assert run["pairs"][0]["clean_metric"] > 4 > 0 > run["pairs"][0]["corrupt_metric"]
    result = read_folder(out)
    row = table[(table["pair"] == "1") & (table["node"] == "z") & (table["effect"] != 0)].iloc[-1]
    stored = result.effects["z"][1][int(row["layer"]), int(row["position"]), int(row["head"])]
    assert np.isclose(float(row["effect"]), stored)
    assert "2 pairs" in capsys.readouterr().out


@pytest.mark.model
def test_a_stored_run_is_not_computed_again(pairs, tmp_path, monkeypatch, capsys):
    place, options = tmp_path / "store", ("--method", "atp", "--nodes", "z", "--trim")
    command = ["attribute", "--model", DEFAULT, "--device", "cpu", "--pairs", str(pairs), "--store", str(place)]
    assert main([*command, *options]) == 0
    (entry,) = Store(place).entries()
    assert entry.digest in capsys.readouterr().out
    assert Store(place).get_pairs(entry.pairs_digest).pairs[0].name == "first"
    monkeypatch.setattr("core.runs.execute.execute", lambda *_, **__: pytest.fail("computed twice"))
    assert main([*command, *options, "--out", str(tmp_path / "out")]) == 0
    assert read_folder(tmp_path / "out").spec.digest == entry.digest


def test_somewhere_the_result_must_go(pairs, capsys):
    assert main(["attribute", "--model", DEFAULT, "--pairs", str(pairs)]) == 2
    assert "--out" in capsys.readouterr().err


@pytest.mark.model
def test_top_keeps_the_largest_rows(pairs, tmp_path):
    assert attribute(pairs, tmp_path / "all", "--method", "atp-star", "--nodes", "z") == 0
    assert attribute(pairs, tmp_path / "top", "--method", "atp-star", "--nodes", "z", "--top", "5") == 0
    everything = pd.read_csv(tmp_path / "all" / "effects.csv")["effect"]
    kept = pd.read_csv(tmp_path / "top" / "effects.csv")["effect"]
    np.testing.assert_allclose(kept, np.sort(everything)[::-1][:5], rtol=1e-5)


@pytest.mark.model
def test_chosen_neurons_from_the_end(pairs, tmp_path):
    assert (
        attribute(pairs, tmp_path / "o", "--method", "exact", "--nodes", "neurons", "--neurons", "28:-1:7,29:-1:0") == 0
    )
    table = pd.read_csv(tmp_path / "o" / "effects.csv")
    assert set(zip(table["layer"], table["head"], table["position"])) == {(28, 7, 13), (29, 0, 13)}


UNEQUAL = (
    "clean,corrupt,answer,distractor\n"
    '"When Mary and John went to the store, John gave a drink to","When Mary and John went to the big old store, Mary '
    'gave a drink to", Mary, John\n'
)


@pytest.mark.model
def test_donors_and_alignment_are_options(pairs, tmp_path, capsys):
    options = ("--method", "atp", "--nodes", "z")
    assert attribute(pairs, tmp_path / "mean", *options, "--donor", "mean-position") == 0
    assert read_folder(tmp_path / "mean").spec.donor == "mean-position"
    unequal = tmp_path / "unequal.csv"
    unequal.write_text(UNEQUAL)
    assert attribute(unequal, tmp_path / "out", *options, "--align", "--spans", "mean") == 0
    assert "were linked" in capsys.readouterr().err
    result = read_folder(tmp_path / "out")
    assert result.spec.spans == "mean"
    assert len(result.pairs[0].tokens.links) == 2


@pytest.mark.model
def test_a_screen_says_which_numbers_are_exact(pairs, tmp_path, capsys):
    options = ("--method", "screen", "--verify", "4", "--samples", "16", "--nodes", "z", "--average", "magnitude")
    assert attribute(pairs, tmp_path / "o", *options) == 0
    table = pd.read_csv(tmp_path / "o" / "effects.csv")
    assert list(table.columns)[-2:] == ["effect", "source"]
    result = read_folder(tmp_path / "o")
    assert (result.spec.choice, result.spec.method, result.spec.screen.average) == ("screen", "atp", "magnitude")
    assert len(result.screened[0].nodes) == 4
    out = capsys.readouterr().out
    assert "Exact: the first 4 of" in out
    assert "largest: L" in out


REFUSALS = {
    "zeros restore nothing": (["--donor", "zero", "--direction", "denoising"], "--donor"),
    "nothing to verify": (["--method", "atp", "--verify", "5"], "--verify"),
    "no node verified": (["--method", "screen", "--verify", "0"], "--verify"),
    "an exact screen": (["--method", "screen", "--estimate", "exact"], "--estimate"),
    "unknown method": (["--method", "magic"], "--method"),
    "unknown node": (["--nodes", "z,soul"], "--nodes"),
    "unknown metric": (["--metric", "vibes"], "--metric"),
    "no node": (["--nodes", ","], "--nodes"),
    "neurons without a place": (["--method", "exact", "--nodes", "neuron"], "--neurons"),
    "neurons in words": (["--method", "exact", "--nodes", "neuron", "--neurons", "all"], "--neurons"),
    "neuron outside": (["--method", "exact", "--nodes", "neuron", "--neurons", "40:0"], "--neurons"),
    "kl has no gradient": (["--method", "atp", "--metric", "kl"], "--metric"),
    "no such device": (["--device", "tpu"], "--device"),
    "top 0": (["--top", "0"], "--top"),
}


@pytest.mark.model
@pytest.mark.parametrize("case", REFUSALS)
def test_wrong_options_are_one_line_and_leave_nothing(case, pairs, tmp_path, capsys):
    options, named = REFUSALS[case]
    out = tmp_path / "out"
    try:
        code = attribute(pairs, out, *options)
    except SystemExit as exit:
        code = exit.code
    error = capsys.readouterr().err
    assert code == 2
    assert named in error
    assert error.count("\n") == 1
    assert not out.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.csv"]


BROKEN = {
    "unequal length": ("When Mary went to the store,When Mary and John went to the store, Mary, John", "row 1"),
    "identical": ("The same,The same, a, b", "row 1"),
    "long answer": ("The cat sat,The dog sat, antidisestablishmentarian, b", "row 1"),
    "missing answer": ("The cat sat,The dog sat,, b", "row 1"),
    "ragged": ("The cat sat,The dog sat, a, b, c, d", "row 1"),
}


@pytest.mark.model
@pytest.mark.parametrize("case", BROKEN)
def test_broken_pairs_name_their_row(case, tmp_path, capsys):
    row, named = BROKEN[case]
    file = tmp_path / "pairs.csv"
    file.write_text(f"clean,corrupt,answer,distractor\n{row}\n")
    assert attribute(file, tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there(tmp_path):
    command = [sys.executable, "-m", "core", "attribute", "--model", DEFAULT, "--pairs", str(tmp_path / "no.csv")]
    done = subprocess.run([*command, "--out", str(tmp_path / "o")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith("error: --pairs:")
    assert done.stderr.count("\n") == 1


def test_a_place_that_holds_something_else(pairs, tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("precious")
    assert attribute(pairs, tmp_path / "full") == 2
    assert "full" in capsys.readouterr().err
    assert (tmp_path / "full" / "thesis.txt").read_text() == "precious"
