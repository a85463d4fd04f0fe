"""``python -m core circuit`` and ``readout`` on a small local model, and the script that rebuilds a circuit."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from core.__main__ import main
from core.circuits.explain import explain
from core.circuits.script import circuit_script
from core.circuits.stored import read_run
from core.models.load import load_model
from core.paths import ROOT
from tests.tiny import tiny_hf
from tests.ui.conftest import PAIRS, tiny_tokenizer


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a model and a pair file."""
    folder = tmp_path_factory.mktemp("commands")
    tiny_hf("llama").save_pretrained(folder / "model")
    tiny_tokenizer().save_pretrained(folder / "model")
    rows = [{"clean": p.clean, "corrupt": p.corrupt, "answer": p.answer, "distractor": p.distractor} for p in PAIRS]
    pd.DataFrame(rows).to_csv(folder / "pairs.csv", index=False)
    return folder


def test_circuit_writes_a_folder_and_its_script_rebuilds_it(place, capsys):
    model, pairs, out = str(place / "model"), str(place / "pairs.csv"), place / "out"
    arguments = ["circuit", "--model", model, "--pairs", pairs, "--methods", "eap,eap-qk", "--seeds", "1"]
    assert main([*arguments, "--spans", "summed,position", "--out", str(out)]) == 0
    assert "faithfulness by share" in capsys.readouterr().out
    run = read_run(out)
    table = pd.read_csv(out / "edges.csv")
    assert {"method", "span", "rank", "writer", "reader", "position", "token", "score"} <= set(table)
    assert json.loads((out / "run.json").read_text())["lab"] == "circuit"
    circuit = run.circuit("eap-qk", "position", 40)
    (place / "rebuild.py").write_text(circuit_script(run, circuit.with_words(names={"L0 H0": "'''\\\" {x}"})))
    made = subprocess.run(
        [sys.executable, str(place / "rebuild.py")], capture_output=True, text=True, cwd=ROOT, env=_environment()
    )
    assert made.returncode == 0, made.stderr[-2000:]
    wanted = explain(load_model(model, device="cpu"), run, circuit)[0]
    assert f"{len(circuit.edges)} edges: faithfulness {wanted:.4f}" in made.stdout


def _environment():
    import os

    return os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}


def test_readout_writes_tidy_tables(place, capsys):
    model, pairs, out = str(place / "model"), str(place / "pairs.csv"), place / "read"
    assert main(["readout", "--model", model, "--pairs", pairs, "--all-positions", "--out", str(out)]) == 0
    assert "parts sum to the logit difference within" in capsys.readouterr().out
    direct, lens = (pd.read_csv(out / f"{name}.csv", dtype={"token": str}) for name in ("direct", "lens"))
    sums = direct.groupby(["pair", "position"]).part.sum()
    last = lens[lens.layer == lens.layer.max()].set_index(["pair", "position"]).difference
    np.testing.assert_allclose(sums.sort_index(), last.sort_index(), atol=1e-4)
    assert set(direct.node) == {"embedding", "head", "mlp", "bias"}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["circuit", "--methods", "acdc"], "--methods"),
        (["circuit", "--spans", "none"], "--spans"),
        (["circuit", "--metric", "kl"], "--metric"),
        (["circuit", "--pairs-used", "0"], "--pairs"),
        (["readout", "--lens-pairs", "-1"], "--lens-pairs"),
        (["readout", "--metric", "prob"], "--metric"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(place, capsys, options, named):
    out = place / "nothing"
    command, *rest = options
    arguments = [command, "--model", str(place / "model"), "--pairs", str(place / "pairs.csv"), "--out", str(out)]
    assert main([*arguments, *rest]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1
    assert not out.exists()
