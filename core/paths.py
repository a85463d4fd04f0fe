"""Where the program lies, and what comes with it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
ASSETS = ROOT / "assets"
