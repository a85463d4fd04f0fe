"""One head on the Readouts page: its circuits in words, and its part by attended token."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.figures.inside.readouts import token_grid
from core.figures.numbers import number
from core.figures.style import Theme
from core.prompts.pairs import TokenPair
from core.prompts.show import visible
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.readouts import data
from ui.readouts.about import about
from ui.shell.messages import counted
from ui.shell.models import ModelFacts
from ui.shell.state import model_choice


def one_head(facts: ModelFacts, pair: TokenPair, run: data.RunName) -> None:
    """A head's circuits in words, token by token, and where its part in the answer comes from."""
    left, right = st.columns(2)
    layer = left.number_input(
        "Layer", 0, facts.shape.n_layers - 1, facts.shape.n_layers // 2, key="hl", bind="query-params"
    )
    head = right.number_input("Head", 0, facts.shape.n_heads - 1, 0, key="hh", bind="query-params")
    found = data.words(model_choice(), pair, int(layer), int(head))
    if found is None:
        return
    st.markdown(
        f"**L{layer} H{head}** copies {100 * found.copying:.0f} % of the tokens tried: it raises them into its own "
        f"first ten of {counted(found.vocabulary, 'token')} when it attends to them."
    )
    table = pd.DataFrame(
        {
            "token": [visible(t.token) for t in found.tokens],
            "attended to, it raises": [_listed(t.raised) for t in found.tokens],
            "and lowers": [_listed(t.lowered) for t in found.tokens],
            "its own rank": [t.own_rank for t in found.tokens],
            "standing here, it looks for": [_listed(t.sought) for t in found.tokens],
            "itself at rank": [t.own_sought_rank for t in found.tokens],
        }
    )
    st.dataframe(table, hide_index=True, alt="What the head does with each token of the prompt.")
    with st.container(horizontal=True):
        about("words")
        csv = table.to_csv(index=False)
        st.download_button("CSV", csv, f"head-{layer}-{head}.csv", "text/csv", key="words_csv", on_click="ignore")
    sources(pair, int(layer), int(head), run)


def sources(pair: TokenPair, layer: int, head: int, run: data.RunName) -> None:
    """A head's part in the logit difference by query and attended token."""
    found = data.sources(model_choice(), pair, layer, head, run)
    if found is None:
        return
    tokens = pair.clean_tokens if run == "clean" else pair.corrupt_tokens
    names = tuple(f"{i} {visible(token)}" for i, token in enumerate(tokens))
    text = f"Direct part of L{layer} H{head} in the logit difference by query (row) and attended token (column), {run} "
    text += f"run of pair {pair.label}: value-weighted attention, with the sign of what is written. Rows sum to the "
    text += "head's part."

    def figure(mode: Theme) -> Any:
        return token_grid(
            found,
            tokens,
            rows=names,
            row_title="Query token",
            unit="Part of the logit difference",
            caption=text,
            upwards=False,
            theme=mode,
        )

    draw(figure(theme()), key="sources", alt=text)
    with st.container(horizontal=True):
        about("sources")
        export_row(figure, [], lambda: pd.DataFrame(found, columns=names, index=names), key="sources", name="sources")


def _listed(tokens: tuple[tuple[str, float], ...]) -> str:
    return ", ".join(f"{visible(text)} {number(value, sign=True)}" for text, value in tokens[:6])
