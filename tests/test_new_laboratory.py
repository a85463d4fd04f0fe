"""docs/architecture.md is followed to the letter in a copy of the house: the laboratory it describes must work."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from core.paths import ROOT
from tests import floors

GUIDE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
STEPS = re.compile(
    r"^\d\. (?:One line in )?`(?P<place>[^`]+)`.*?\n\n```(?:python|text)\n(?P<code>.*?)```", re.DOTALL | re.MULTILINE
)

DRIVE = """
import sys, time
from streamlit.testing.v1 import AppTest
from ui.shell.worker import worker

def settle(app):
    while worker().queue():
        time.sleep(0.02)
    app.run()
    assert not app.exception, app.exception[0].value
    return app

app = AppTest.from_file(sys.argv[1], default_timeout=240).run()
assert any("Is the die fair?" in caption.value for caption in app.caption), "no card on Home"
app.switch_page("pages/dice.py").run()
assert app.title[0].value == "Dice"
next(button for button in app.button if button.label == "Throw").click().run()
settle(app)
words = " ".join(caption.value for caption in app.caption).replace(chr(92), "")
print("figures", len(app.get("plotly_chart")), "caption", "N = 100 throws" in words)
print("popovers", any(p.proto.popover.label == "Export" for p in app.get("popover")))
app.switch_page("pages/runs.py").run()
table = app.dataframe[0].value
print("page", list(table["page"]), "method", list(table["method"]))
worker().close()
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the sources with the guide's laboratory in it."""
    root = tmp_path_factory.mktemp("house")
    for part in ("core", "ui", "pages", ".streamlit", "static"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", root)
    (root / "assets").symlink_to(ROOT / "assets")
    section = GUIDE.split("## Adding a laboratory")[1].split("\n## ")[0]
    steps = {step["place"]: step["code"] for step in STEPS.finditer(section)}
    assert len(steps) == 5
    line = steps.pop("LABORATORIES")
    registry = root / "core" / "labs" / "registry.py"
    text = registry.read_text(encoding="utf-8")
    assert text.endswith(")\n")
    registry.write_text(text.removesuffix(")\n") + line + ")\n", encoding="utf-8")
    for place, code in steps.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(code, encoding="utf-8")
    return root


def run(house, *arguments, **more):
    return subprocess.run([sys.executable, *arguments], cwd=house, capture_output=True, text=True, timeout=300, **more)


def test_it_breaks_no_rule_of_the_house(house):
    assert floors.problems(house) == []


def test_it_has_a_command(house, tmp_path):
    assert "dice" in run(house, "-m", "core", "--help").stdout
    done = run(house, "-m", "core", "dice", "--throws", "50", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == json.loads((tmp_path / "out" / "mean.json").read_text())["mean"]
    assert json.loads((tmp_path / "out" / "run.json").read_text())["lab"] == "dice"


def test_it_has_a_page_stored_runs_and_an_export(house, tmp_path, monkeypatch):
    monkeypatch.setenv("CIRCUITARIUM_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("PYTHONPATH", str(house))
    (tmp_path / "drive.py").write_text(DRIVE)
    done = run(house, str(tmp_path / "drive.py"), str(house / "app.py"))
    assert done.returncode == 0, done.stderr[-2000:]
    assert "figures 1 caption True" in done.stdout
    assert "popovers True" in done.stdout
    assert "page ['Dice'] method ['100 throws']" in done.stdout
    (stored,) = (tmp_path / "results").glob("*/mean.json")
    assert json.loads(stored.read_text())["mean"] == pytest.approx(3.5, abs=0.6)


def test_the_readme_lists_the_laboratories():
    from core.labs.table import table

    assert table() in (ROOT / "README.md").read_text(encoding="utf-8")
