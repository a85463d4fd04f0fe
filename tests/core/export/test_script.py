import ast
import dataclasses
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.export.script import reproduction_script
from core.models import load
from core.models.load import load_model
from core.patching.spec import NeuronSite, RunSpec
from core.paths import ROOT
from core.runs.execute import execute
from tests.make_results import make_pair, make_result, with_effects
from tests.tiny import random_pairs, tiny_model, token_pair

HOSTILE = ("'''", '"""', "\\", "\n{x}\u2028", "'); import os #", " end")


def spec(method="exact", **changes):
    settings = {"model": "tiny-gpt2", "revision": "r", "dtype": "float32", "pairs_digest": "d", "metric": "logit_diff"}
    settings |= {"direction": "noising", "nodes": ("z", "mlp_out"), "method": method, **changes}
    return RunSpec(**settings)


def run(script: str, folder: Path) -> int:
    path = folder / "reproduce.py"
    path.write_text(script, encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(path), run_name="__main__")
    return end.value.code


@pytest.fixture
def tiny(monkeypatch):
    model = tiny_model("gpt2")
    monkeypatch.setattr(load, "load_model", lambda model_id, dtype: model)
    return model


@pytest.mark.parametrize(
    "run_spec",
    [
        spec(),
        spec("atp"),
        spec("atp-star"),
        spec("atp", donor="mean-position"),
        spec(nodes=("neuron",), neurons=(NeuronSite(1, 4),), direction="denoising"),
    ],
)
def test_the_script_finds_the_same_numbers(run_spec, tiny, tmp_path, capsys):
    result = execute(run_spec, tiny, random_pairs(2, 6, 2))
    assert run(reproduction_script(result), tmp_path) == 0
    shown = capsys.readouterr()
    assert "All agree." in shown.out
    assert "the result's were r" in shown.err, "other weights are mentioned"
    assert len(re.findall(r"^pair \d", shown.out, re.MULTILINE)) == 20


def test_the_script_links_pairs_as_the_run_did(tiny, tmp_path, capsys):
    pair = dataclasses.replace(token_pair(0, [5, 6, 7, 8], [5, 9, 10, 7, 8], 11, 12), links=((1, 2, 1, 3),))
    result = execute(spec(spans="mean", direction="denoising"), tiny, (pair,))
    assert run(reproduction_script(result), tmp_path) == 0
    assert "All agree." in capsys.readouterr().out
    assert "spans mean" in reproduction_script(result)


def test_a_number_that_differs_is_found(tiny, tmp_path, capsys):
    result = execute(spec(), tiny, random_pairs(2, 6, 2))
    largest = max((x for x in result.effects["z"]), key=lambda x: np.abs(x).max())
    largest.flat[np.abs(largest).argmax()] *= 1.05
    assert run(reproduction_script(result), tmp_path) == 1
    assert "Some differ." in capsys.readouterr().out


def test_nothing_of_a_user_becomes_code():
    pair = make_pair(clean=HOSTILE, corrupt=(*HOSTILE[:-1], " x"), name="'''; import os; '''")
    tree = ast.parse(reproduction_script(make_result([pair], model="'''\nimport os\n")))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert "os" not in imported
    pairs = next(
        ast.literal_eval(n.value)
        for n in tree.body
        if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "PAIRS"
    )
    assert tuple(pairs[0]["clean_tokens"]) == HOSTILE


def test_the_largest_effects_of_all_kinds_are_stored():
    x = np.zeros((3, 6, 4))
    x[2, 5, 3] = -9.0
    script = reproduction_script(with_effects(make_result([make_pair()]), z=x))
    stored = ast.literal_eval(re.search(r"^STORED = (\[.*?\])\n\n", script, re.MULTILINE | re.DOTALL)[1])
    assert stored[0] == (0, "z", 2, 5, 3, -9.0)
    assert [abs(row[-1]) for row in stored] == sorted((abs(row[-1]) for row in stored), reverse=True)


@pytest.mark.model
def test_the_script_runs_by_itself_on_the_default_model(tmp_path):
    model = load_model("smollm2-135m")
    pairs = random_pairs(1, 6, 4)
    real = spec(model="smollm2-135m", revision=model.revision, nodes=("z",), dtype=model.card.precision)
    path = tmp_path / "reproduce.py"
    path.write_text(reproduction_script(execute(real, model, pairs)), encoding="utf-8")
    done = subprocess.run([sys.executable, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "All agree." in done.stdout
