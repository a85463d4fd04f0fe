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
_DIFFERENT = "background:rgba(214,130,30,.26);border-color:rgba(214,130,30,.9);font-weight:600;"
_ANSWER = "border-style:dashed;opacity:.85;"


def token_strip(clean: Sequence[str], corrupt: Sequence[str], answer: Sequence[str], distractor: Sequence[str]) -> None:
    """Both prompts of a pair, one under the other, each followed by the tokens in a row that it calls for."""
    different = difference_mask(clean, corrupt)
    rows = _row("clean", clean, different, answer) + _row("corrupt", corrupt, different, distractor)
    st.html(f'<div style="overflow-x:auto">{rows}</div>')


def pair_strip(pair: TokenPair) -> None:
    """``token_strip`` of a pair that a model can run."""
    answer = pair.whole_answer if pair.rest else (shown(pair.answer),)
    token_strip(pair.clean_tokens, pair.corrupt_tokens, answer, (shown(pair.distractor),))


def _row(name: str, tokens: Sequence[str], different: Sequence[bool], answer: Sequence[str]) -> str:
    cells = "".join(_cell(i, token, mark) for i, (token, mark) in enumerate(zip(tokens, different)))
    after = "".join(
        f'<span style="{_TOKEN}{_ANSWER}" title="what this prompt calls for">{escape(visible(text))}</span>'
        for text in answer
    )
    label = f'<span style="flex:0 0 4.2rem;font-size:.82rem;opacity:.75">{name}</span>'
    return f'<div style="display:flex;align-items:baseline;margin:.15rem 0">{label}<span>{cells} → {after}</span></div>'


def _cell(position: int, token: str, different: bool) -> str:
    style = _TOKEN + (_DIFFERENT if different else "")
    hint = f"position {position}" + (", differs" if different else "")
    return f'<span style="{style}" title="{hint}">{escape(visible(token))}</span>'
