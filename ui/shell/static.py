"""Scripts that the browser loads from this server: copied out of the installed wheels, so no outside host is asked;
and Streamlit's own for charts, asked for early.

Charts come with their first figure: only then does the browser read plotly (4.7 MB), for more than a second, and draws
every figure that has arrived meanwhile before it shows one. Asked for early, it reads while the server still computes,
and draws each figure as it comes.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import streamlit as st

from core.paths import ROOT

STATIC = ROOT / "static"

# name under /app/static -> package and the file inside it. Found without importing: circuitsvis would import torch.
SCRIPTS = {
    "circuitsvis.js": ("circuitsvis", "dist/cdn/iife.js"),
    "plotly.min.js": ("plotly", "package_data/plotly.min.js"),
}


def url(name: str) -> str:
    """Address of a served script, from the app's own root."""
    return f"/app/static/{name}"


def install_scripts(folder: Path = STATIC) -> None:
    """Copy the scripts that are missing or differ in size from the installed ones."""
    folder.mkdir(exist_ok=True)
    for name, (package, inside) in SCRIPTS.items():
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        source, target = Path(spec.origin).parent / inside, folder / name
        if not target.exists() or target.stat().st_size != source.stat().st_size:
            # Replaced in one step, so that a browser never reads half a script.
            partial = target.with_suffix(f".{os.getpid()}.part")
            shutil.copyfile(source, partial)
            partial.replace(target)


def chart_script() -> str:
    """The address of Streamlit's script for charts, relative to the app's; empty if this Streamlit has none by that
    name, which only costs the head start."""
    root = Path(st.__file__).parent / "static"
    found = next((root / "static" / "js").glob("PlotlyChart.*.js"), None)
    return found.relative_to(root).as_posix() if found else ""


def chart_request() -> str:
    """The element that asks for it, a script of our own; empty where there is nothing to ask for."""
    path = chart_script()
    return f'<script type="module">import(new URL("{path}", document.baseURI))</script>' if path else ""


def ask_for_charts() -> None:
    """Let the browser read it now."""
    if request := chart_request():
        with st.sidebar:
            st.html(request, unsafe_allow_javascript=True)
