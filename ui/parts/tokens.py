"""Token strips: a prompt as the model sees it, spaces visible, differences marked."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from core.prompts.pairs import TokenPair
from core.prompts.show import difference_mask, shown, visible

# Colours that read on a light and on a dark page.
_TOKEN = (
    "display:inline-block;font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:.82rem;line-height:1.35;"
    "padding:.05rem .28rem;margin:.08rem .1rem .08rem 0;border-radius:4px;border:1px solid rgba(128,140,150,.35);"
    "white-space:pre;"
)
_SPANS = ("214,130,30", "20,130,200", "150,90,200", "20,150,110")  # one after another, then from the start
_ANSWER = "border-style:dashed;opacity:.85;"


def token_strip(clean: Sequence[str], corrupt: Sequence[str], answer: Sequence[str], distractor: Sequence[str]) -> None:
    """Both prompts of a pair, one under the other, each followed by the tokens in a row that it calls for."""
    different = [int(differs) for differs in difference_mask(clean, corrupt)]
    _draw(_row("clean", clean, different, answer), _row("corrupt", corrupt, different, distractor))


def pair_strip(pair: TokenPair) -> None:
    """``token_strip`` of a pair that a model can run; spans that are linked share a colour."""
    answer = pair.whole_answer if pair.rest else (shown(pair.answer),)
    distractor = (shown(pair.distractor),)
    if pair.links is None:
        token_strip(pair.clean_tokens, pair.corrupt_tokens, answer, distractor)
        return
    clean, corrupt = [0] * len(pair.clean_tokens), [0] * len(pair.corrupt_tokens)
    for number, (a, b, c, d) in enumerate(pair.links, start=1):
        clean[a:b], corrupt[c:d] = [number] * (b - a), [number] * (d - c)
    _draw(
        _row("clean", pair.clean_tokens, clean, answer),
        _row("corrupt", pair.corrupt_tokens, corrupt, distractor),
    )


def _draw(*rows: str) -> None:
    st.html(f'<div style="overflow-x:auto">{"".join(rows)}</div>')


def _row(name: str, tokens: Sequence[str], spans: Sequence[int], answer: Sequence[str]) -> str:
    """One prompt; ``spans`` numbers the span that each token belongs to, 0: none."""
    cells = "".join(_cell(i, token, span) for i, (token, span) in enumerate(zip(tokens, spans)))
    after = "".join(
        f'<span style="{_TOKEN}{_ANSWER}" title="what this prompt calls for">{escape(visible(text))}</span>'
        for text in answer
    )
    label = f'<span style="flex:0 0 4.2rem;font-size:.82rem;opacity:.75">{name}</span>'
    return f'<div style="display:flex;align-items:baseline;margin:.15rem 0">{label}<span>{cells} → {after}</span></div>'


def _cell(position: int, token: str, span: int) -> str:
    colour = _SPANS[(span - 1) % len(_SPANS)]
    marked = f"background:rgba({colour},.26);border-color:rgba({colour},.9);font-weight:600;"
    style = _TOKEN + (marked if span else "")
    hint = f"position {position}" + (", differs" if span else "")
    return f'<span style="{style}" title="{hint}">{escape(visible(token))}</span>'
