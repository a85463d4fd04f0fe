"""CircuitsVis's grid of attention heads, as one HTML page for an iframe.

The library's own Python side loads its script from a content network, or inlines it with a new random id at every
call, and writes tokens into the page unescaped. Here its installed script is used directly: no request leaves the
page, the same input gives the same text (so a rerun sends nothing), and a token cannot end the script.
"""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from html import escape
from pathlib import Path

import numpy as np

from core.errors import UserError
from core.figures import style
from core.figures.tokens import visible
from core.html import CONTENT_POLICY, inline_script, script_json

MOST_HEADS, MOST_TOKENS = 16, 64


def html(
    patterns: np.ndarray,
    tokens: tuple[str, ...],
    *,
    script_url: str | None,
    theme: style.Theme = "light",
    names: tuple[str, ...] = (),
) -> str:
    """Attention patterns ``[head, query, key]`` as a grid in which one head can be enlarged.

    Args:
        script_url: where the page's server offers the bundle (see ``bundle``); None puts it into the page (1.3 MB).
        names: a name a head; else ``Head 0``, ``Head 1`` …

    Raises:
        UserError: more than 16 heads or 64 tokens, which browsers cannot draw in reasonable time.
    """
    n_heads, n_tokens = len(patterns), len(tokens)
    if n_heads > MOST_HEADS or n_tokens > MOST_TOKENS:
        raise UserError(
            f"The grid shows at most {MOST_HEADS} heads of {MOST_TOKENS} tokens, not {n_heads} of {n_tokens}.",
            next_step="Choose fewer heads, or look at one head in the large figure.",
        )
    if patterns.shape != (n_heads, n_tokens, n_tokens):
        raise UserError(f"Patterns of shape {patterns.shape} do not go with {n_tokens} tokens.")
    properties = _properties(patterns, tokens, names)
    name = "heads-" + hashlib.sha256(properties.encode()).hexdigest()[:12]
    load = (
        f'<script src="{escape(script_url)}"></script>' if script_url else f"<script>{inline_script(bundle())}</script>"
    )
    # The library draws dark on white only: in the dark theme its canvases are inverted, hues kept.
    dark = "canvas{filter:invert(1) hue-rotate(180deg)}" if theme == "dark" else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{CONTENT_POLICY}'
        f"<style>body{{margin:0;color:{style.INK[theme]};background:transparent;font-family:{style.FONT};"
        f"color-scheme:{theme}}}{dark}</style></head><body>"
        f'<div id="{name}" style="margin:0"></div>{load}'
        f'<script>CircuitsVis.render("{name}",CircuitsVis.AttentionHeads,{properties});</script></body></html>'
    )


@cache
def bundle() -> str:
    """The script that CircuitsVis installs, found without importing the package (which would import torch).

    Raises:
        UserError: CircuitsVis is not installed, or without its script.
    """
    found = importlib.util.find_spec("circuitsvis")
    path = Path(found.origin).parent / "dist" / "cdn" / "iife.js" if found and found.origin else None
    if path is None or not path.exists():
        raise UserError("CircuitsVis is not installed.", next_step="Install the requirements, or use the large figure.")
    return path.read_text(encoding="utf-8")


def _properties(patterns: np.ndarray, tokens: tuple[str, ...], names: tuple[str, ...]) -> str:
    reach = float(np.abs(patterns).max()) or 1.0
    signed = bool((patterns < 0).any())
    return script_json(
        {
            "attention": np.round(patterns.astype(float), 3).tolist(),
            "tokens": [visible(token, longest=24) for token in tokens],
            "attentionHeadNames": list(names) or [f"Head {i}" for i in range(len(patterns))],
            "maxValue": max(reach, 1.0) if not signed else reach,
            "minValue": -reach if signed else 0,
            "positiveColor": style.DIVERGING["light"][7] if signed else style.SEQUENTIAL["light"][5],
            "negativeColor": style.DIVERGING["light"][1],
            "maskUpperTri": True,
        }
    )
