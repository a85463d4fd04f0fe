"""The parts of the Attention page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from core.errors import UserError
from core.figures.effects.scatter import row_node
from core.figures.inside.attention import SHOWN_WORDS, Shown, head_attention
from core.figures.inside.circuitsvis import MOST_HEADS, html
from core.figures.style import Theme
from core.patching.place import Node, short
from core.prompts.pairs import TokenPair
from core.prompts.show import difference_mask, visible
from ui.parts.about import about
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.parts.looks import attention
from ui.parts.tables import pattern_frame, top_nodes
from ui.shell.messages import show_error
from ui.shell.models import ModelFacts
from ui.shell.state import average, model_choice, shown_results
from ui.shell.static import url
from ui.shell.store import load_result

ONE_LAYER, CHOSEN = "One layer", "Chosen heads"
WEIGHTS, WEIGHTED = "Weights", "Value-weighted"
GRID_HEIGHT = 780  # CSS pixels: the selector, and one head enlarged to the column's width


@dataclass(frozen=True)
class Look:
    """Which heads, of which run, weighted how; heads are (layer, head)."""

    heads: tuple[tuple[int, int], ...]
    shown: Shown
    weighted: bool


def choose_pair(pairs: tuple[TokenPair, ...]) -> TokenPair:
    """The pair whose two runs are shown."""

    def words(i: int) -> str:
        return f"{pairs[i].label}: {visible(''.join(pairs[i].clean_tokens))}"

    return pairs[
        st.selectbox("Pair", range(len(pairs)), format_func=words, key="attention_pair", persist_state="session")
    ]


def choose_look(facts: ModelFacts) -> Look:
    """The view controls; each is part of the link."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        run = st.segmented_control(
            "Run",
            list(SHOWN_WORDS),
            default="clean",
            required=True,
            key="run",
            bind="query-params",
            format_func=str.capitalize,
        )
        weighting = st.segmented_control(
            "Show",
            [WEIGHTS, WEIGHTED],
            default=WEIGHTS,
            required=True,
            key="weighting",
            bind="query-params",
            help="Value-weighted: each weight times the length of what the head would write from there.",
        )
        which = st.segmented_control(
            "Heads", [ONE_LAYER, CHOSEN], default=ONE_LAYER, required=True, key="heads", bind="query-params"
        )
        heads = _layer(facts) if which == ONE_LAYER else _chosen(facts)
    return Look(heads, run, weighting == WEIGHTED)


def _layer(facts: ModelFacts) -> tuple[tuple[int, int], ...]:
    last = facts.shape.n_layers - 1
    layer = st.number_input(
        "Layer", 0, last, min(_suggested(facts)[0][0], last), key="layer", bind="query-params", width=120
    )
    return tuple((layer, head) for head in range(facts.shape.n_heads))


def _chosen(facts: ModelFacts) -> tuple[tuple[int, int], ...]:
    options = [(layer, head) for layer in range(facts.shape.n_layers) for head in range(facts.shape.n_heads)]
    chosen = st.multiselect(
        "Chosen heads",
        options,
        default=[head for head in _suggested(facts) if head in options],
        format_func=lambda head: short(Node("z", *head)),
        key="chosen_heads",
        persist_state="session",
        max_selections=MOST_HEADS,
        width=420,
        help="At first the largest heads of the result on show.",
    )
    return tuple(chosen)


def _suggested(facts: ModelFacts, top: int = 6) -> list[tuple[int, int]]:
    """The largest heads of the first result on show, or the middle layer's first head."""
    for digest in shown_results():
        result = load_result(digest)
        if result is not None and "z" in result.effects and result.spec.model == facts.model_id:
            table = top_nodes(
                result, ("z",), top=top, scale="signed", positions="strongest", n_tokens=None, average=average()
            )
            nodes = [row_node(row) for _, row in table.iterrows()]
            return [(node.layer, node.unit or 0) for node in nodes]
    return [(facts.shape.n_layers // 2, 0)]


def patterns_of(pair: TokenPair, look: Look) -> np.ndarray | None:
    """Patterns ``[head, query, key]`` of the heads looked at, or None while they are being read."""
    layers = tuple(sorted({layer for layer, _ in look.heads}))
    found = attention(model_choice(), pair, layers)
    if found is None:
        return None
    every = found.pattern(look.shown, value_weighted=look.weighted)
    return np.stack([every[layers.index(layer), head] for layer, head in look.heads])


def tokens_of(pair: TokenPair, look: Look) -> tuple[str, ...]:
    """The tokens of the run shown; the clean ones for the difference."""
    return pair.corrupt_tokens if look.shown == "corrupt" else pair.clean_tokens


def grid(pair: TokenPair, look: Look, patterns: np.ndarray) -> None:
    """All heads, small; a click enlarges one."""
    names = tuple(short(Node("z", *head)) for head in look.heads)
    try:
        page = html(patterns, tokens_of(pair, look), script_url=url("circuitsvis.js"), theme=theme(), names=names)
    except UserError as error:
        show_error(error)
        return
    st.iframe(page, height=GRID_HEIGHT, alt=f"Attention patterns of {len(names)} heads: {', '.join(names)}.")


def large(pair: TokenPair, look: Look, patterns: np.ndarray) -> None:
    """One head at full size."""
    labels = [short(Node("z", *head)) for head in look.heads]
    i = st.selectbox(
        "Head", range(len(labels)), format_func=labels.__getitem__, key="large_head", persist_state="session", width=220
    )
    (layer, head), tokens = look.heads[i], tokens_of(pair, look)
    differs = difference_mask(pair.clean_tokens, pair.corrupt_tokens)

    def figure(mode: Theme) -> Any:
        return head_attention(
            patterns[i],
            tokens,
            layer=layer,
            head=head,
            shown=look.shown,
            value_weighted=look.weighted,
            differs=differs,
            theme=mode,
            title=labels[i],
        )

    draw(figure(theme()), key="large", alt=f"Attention of {labels[i]}, {SHOWN_WORDS[look.shown]}.")
    with st.container(horizontal=True):
        about("attention")
        name = f"attention-L{layer}-H{head}-{look.shown}"
        export_row(figure, [], lambda: pattern_frame(patterns[i], tokens), key="large", name=name)
