"""Scripts that the browser loads from this server: copied out of the installed wheels, so no outside host is asked."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

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
