"""The direction of imports: app -> pages -> ui -> core; no streamlit below ui, plotly only where figures are drawn."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "transformers", "transformer_lens", "numpy", "scipy", "plotly", "pandas", "sklearn"}


def files(part: str) -> list[Path]:
    path = ROOT / part
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Full names of everything a file imports, at its top or inside a function."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def packages(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", files("core"), ids=str)
def test_core_knows_nothing_of_the_interface(path):
    assert packages(path).isdisjoint({"streamlit", "ui", "pages", "app"})


@pytest.mark.parametrize("path", files("ui"), ids=str)
def test_ui_knows_nothing_of_the_pages(path):
    assert packages(path).isdisjoint({"pages", "app", "torch", "transformers", "transformer_lens", "plotly"})


@pytest.mark.parametrize("path", files("pages"), ids=str)
def test_pages_only_arrange(path):
    assert packages(path) <= {"streamlit", "ui"}
    assert len(path.read_text(encoding="utf-8").splitlines()) < 120


def test_the_app_is_a_frame():
    path = ROOT / "app.py"
    assert packages(path) == {"streamlit", "ui"}
    assert len(path.read_text(encoding="utf-8").splitlines()) < 80


@pytest.mark.parametrize("path", [p for p in files("core") if "figures" not in p.parts], ids=str)
def test_only_figures_draw_and_nothing_else_needs_them(path):
    assert "plotly" not in packages(path)
    assert not any(name.startswith("core.figures") for name in imported(path))


@pytest.mark.parametrize("path", [p for part in ("app.py", "pages", "ui", "core") for p in files(part)], ids=str)
def test_no_file_is_longer_than_three_hundred_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def loaded_by(module: str) -> set[str]:
    """Top-level packages in memory after an import."""
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return set(out.stdout.split())


def test_nothing_heavy_is_read_before_the_page_list():
    """What app.py imports at its top must not load the libraries behind the engine or the figures."""
    assert (loaded_by("ui.frame") - loaded_by("streamlit")).isdisjoint(HEAVY)


def test_no_page_reads_torch_at_import():
    """The first screen must not wait for torch; it is loaded in the worker's thread."""
    names = ", ".join(f"ui.{path.stem}" for path in files("ui"))
    assert "torch" not in loaded_by(names)
