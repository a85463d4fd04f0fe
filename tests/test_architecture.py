"""The floors of the house hold, and each rule is seen to break where something breaks it."""

import subprocess
import sys

import pytest

from core.paths import ROOT
from tests import floors

HEAVY = {"torch", "transformers", "transformer_lens", "numpy", "scipy", "plotly", "pandas", "sklearn"}


def test_no_rule_is_broken():
    assert floors.problems(ROOT) == []


def test_pages_and_frame_are_short():
    for file in floors.sources(ROOT, "pages", "app.py"):
        assert len(file.read_text(encoding="utf-8").splitlines()) < 80, file


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("core/patching/new.py", "from core.runs.store import Store", "climbs to core.runs.store"),
        ("core/models/new.py", "import core.prompts.pairs", "climbs to core.prompts.pairs"),
        ("core/terms.py", "from core.labs.grokking import regimes", "climbs to core.labs.grokking"),
        ("core/runs/new.py", "from ui.shell import store", "climbs out of core to ui.shell"),
        ("ui/shell/new.py", "from ui.parts.charts import draw", "climbs to ui.parts.charts"),
        ("ui/parts/new.py", "def f():\n    from ui.trust import verify", "climbs to ui.trust"),
        ("core/labs/knowledge/new.py", "from core.labs.grokking.tasks import Task", "reads another laboratory"),
        ("ui/labs/knowledge/new.py", "from ui.labs.grokking import page", "reads another page"),
        ("ui/attention/new.py", "from ui.circuit.view import x", "reads another page"),
        ("core/patching/new.py", "import streamlit as st", "imports streamlit"),
        ("core/circuits/new.py", "import plotly.graph_objects as go", "imports plotly"),
        ("core/labs/knowledge/new.py", "from core.figures.style import NAMES", "needs figures"),
        ("ui/parts/new.py", "import torch", "imports torch"),
        ("pages/new.py", "from core.errors import UserError", "imports core"),
        ("ui/parts/new.py", "from . import charts", "relative import"),
        ("core/export/new.py", "x = 1\n" * 301, "has 301 lines"),
    ],
)
def test_a_breach_is_found(tmp_path, file, line, said):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(line + "\n" if not line.endswith("\n") else line)
    assert any(said in problem for problem in floors.problems(tmp_path)), floors.problems(tmp_path)


def test_what_is_allowed_is_not_a_breach(tmp_path):
    allowed = {
        "core/labs/knowledge/command.py": "from core.runs import laboratory\nfrom core.labs.knowledge import study",
        "core/labs/knowledge/figures/bars.py": "import plotly\nfrom core.figures.style import NAMES",
        "ui/trust/verify.py": "from ui.trust import missed\nfrom ui.parts import charts\nfrom ui.shell import store",
        "pages/trust.py": "import streamlit as st\nfrom ui.trust import verify",
        "core/export/long.py": "x = 1\n" * 300,
    }
    for name, text in allowed.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert floors.problems(tmp_path) == []


def test_a_folder_without_rooms_is_a_breach(tmp_path):
    (tmp_path / "core" / "figures").mkdir(parents=True)
    for i in range(16):
        (tmp_path / "core" / "figures" / f"f{i}.py").write_text("")
    assert floors.problems(tmp_path) == ["core/figures holds 16 files"]


def loaded_by(*modules: str) -> set[str]:
    """Top-level packages in memory after these imports."""
    code = f"import sys, {', '.join(modules)}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    return set(out.stdout.split())


def test_nothing_heavy_is_read_before_the_page_list():
    """What app.py imports at its top must not load the libraries behind the engine or the figures."""
    assert (loaded_by("ui.shell.frame") - loaded_by("streamlit")).isdisjoint(HEAVY)


def test_no_page_reads_torch_at_import():
    """The first screen must not wait for torch; it is loaded in the worker's thread."""
    files = [file.relative_to(ROOT).with_suffix("") for file in floors.sources(ROOT, "ui") if file.stem != "__init__"]
    assert "torch" not in loaded_by(*(".".join(file.parts) for file in files))
