"""The parts of the Readouts page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.figures.inside.readouts import direct_heads, token_grid, unit_bars
from core.figures.numbers import number
from core.figures.style import Theme
from core.prompts.pairs import TokenPair, largest_group
from core.prompts.show import shown, visible
from core.readouts.summary import DirectMeans, direct_by_token, direct_means, lens_grid
from ui.parts.charts import CONFIG, draw, theme
from ui.parts.export import export_row
from ui.readouts import data
from ui.readouts.about import about
from ui.readouts.head import one_head, sources
from ui.shell.messages import plain
from ui.shell.models import ModelFacts
from ui.shell.state import model_choice

DIRECT, BY_TOKEN, LENS, HEAD = "Heads and MLPs", "By token", "Logit lens", "A head in words"
CHOSEN = "readout_unit"
RUNS: tuple[data.RunName, ...] = ("clean", "corrupt")
SHOWN = {"difference": "Logit difference", "answer_probability": "Probability of the answer"}


@dataclass(frozen=True)
class Look:
    """Which view, of which run."""

    what: str
    run: data.RunName


def choose_look() -> Look:
    """The view controls; each is part of the link."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        what = st.segmented_control(
            "Show", [DIRECT, BY_TOKEN, LENS, HEAD], default=DIRECT, required=True, key="show", bind="query-params"
        )
        run = st.segmented_control(
            "Run",
            list(RUNS),
            default="clean",
            required=True,
            key="prompt",
            bind="query-params",
            format_func=str.capitalize,
        )
    return Look(what, run)


def readouts(facts: ModelFacts, pairs: tuple[TokenPair, ...], look: Look) -> None:
    """The chosen view of the loaded model."""
    same = largest_group(pairs)[: data.MOST_PAIRS]
    if look.what == DIRECT:
        found = data.direct(model_choice(), same, look.run)
        if found is not None:
            heads_and_mlps(found.table, look.run)
            st.caption(f"The parts sum to the logit difference of every pair within {number(found.residue)} logits.")
            _inside(facts, same, look)
        return
    pair = _choose_pair(same)
    if look.what == BY_TOKEN:
        table = data.direct(model_choice(), (pair,), look.run, last=False)
        if table is not None:
            _by_token(table.table, pair, look.run)
    elif look.what == LENS:
        lens = data.lens(model_choice(), pair, look.run)
        if lens is not None:
            logit_lens(lens, shown(pair.answer), shown(pair.distractor), look.run)
    else:
        one_head(facts, pair, look.run)


def kept(look: Look) -> None:
    """What comes with the app, until the model is there."""
    direct, lens = data.kept()
    st.caption(
        "Kept with the app: SmolLM2-135M-Instruct on pairs of indirect objects. Your own pairs are read when the model "
        "is loaded."
    )
    if look.what == LENS:
        first = lens[lens.pair == lens.pair.iloc[0]]
        logit_lens(first, "the answer", "the distractor", "clean")
    else:
        heads_and_mlps(direct, "clean")


def heads_and_mlps(table: pd.DataFrame, run: data.RunName) -> None:
    """Mean parts at the last token, a cell a head."""
    means = direct_means(table)
    chosen = _chosen(means)

    def figure(mode: Theme) -> Any:
        return direct_heads(
            means.heads,
            means.mlps,
            run=run,
            where="last token",
            n_pairs=means.n_pairs,
            rest={"embedding": means.embedding, "biases": means.bias},
            total=means.total,
            theme=mode,
            selected=chosen,
        )

    fig = figure(theme())
    st.plotly_chart(
        fig,
        key="direct",
        theme=None,
        config=CONFIG,
        alt="Direct part of every head and MLP in the logit difference.",
        on_select=_pick,
        selection_mode="points",
    )
    st.caption(plain(fig.layout.meta["caption"]))
    with st.container(horizontal=True):
        about("direct")
        export_row(figure, [], lambda: table, key="direct", name="direct-parts")


def _pick() -> None:
    points = st.session_state["direct"].selection.points
    place = points[0].get("customdata") if points else None
    if isinstance(place, dict):
        place = [place.get(str(i)) for i in range(2)]
    if place and len(place) == 2:
        st.session_state[CHOSEN] = (int(place[0]), int(place[1]))


def _chosen(means: DirectMeans) -> tuple[int, int]:
    """The cell chosen, at first the largest head."""
    layers, heads = means.heads.shape
    layer, unit = st.session_state.get(CHOSEN, (-1, 0))
    if 0 <= layer < layers and unit < heads:
        return layer, unit
    first = int(abs(means.heads).argmax())
    return first // heads, first % heads


def _inside(facts: ModelFacts, pairs: tuple[TokenPair, ...], look: Look) -> None:
    """The chosen head by the tokens it attends to, or the chosen MLP by neuron."""
    layers, heads = facts.shape.n_layers, facts.shape.n_heads
    options = [(layer, head) for layer in range(layers) for head in (*range(heads), -1)]
    names = {(la, h): f"L{la} MLP" if h < 0 else f"L{la} H{h}" for la, h in options}
    if st.session_state.get(CHOSEN) not in names:
        st.session_state[CHOSEN] = options[0]
    layer, head = st.selectbox("Look inside", options, format_func=names.__getitem__, key=CHOSEN, width=220)
    name = names[layer, head]
    if head < 0:
        values = data.neurons(model_choice(), pairs, layer, look.run)
        if values is None:
            return
        units = [f"N{i}" for i in range(len(values))]
        text = (
            f"Largest direct parts of neurons of {name}, {look.run} run, last token, mean over N = {len(pairs)} pairs."
        )

        def bars(mode: Theme) -> Any:
            return unit_bars(values, units, unit="Part of the logit difference", caption=text, theme=mode)

        draw(bars(theme()), key="neuron_parts", alt=text)
        table = pd.DataFrame({"neuron": units, "part": values})
        export_row(bars, [], lambda: table, key="neuron_parts", name=f"neurons-{layer}")
        return
    sources(pairs[0], layer, head, look.run)


def _choose_pair(pairs: tuple[TokenPair, ...]) -> TokenPair:
    def words(i: int) -> str:
        return f"{pairs[i].label}: {visible(''.join(pairs[i].clean_tokens))}"

    return pairs[
        st.selectbox("Pair", range(len(pairs)), format_func=words, key="readout_pair", persist_state="session")
    ]


def _by_token(table: pd.DataFrame, pair: TokenPair, run: data.RunName) -> None:
    kinds = {"Heads and MLPs": None, "Heads": "head", "MLPs": "mlp"}
    which = st.segmented_control(
        "Of", list(kinds), default="Heads and MLPs", required=True, key="of", bind="query-params"
    )
    grid, tokens = (
        direct_by_token(table, node=kinds[which]),
        pair.clean_tokens if run == "clean" else pair.corrupt_tokens,
    )
    text = f"Direct part of each layer's {which.lower()} in the logit difference read at each token, {run} run of pair "
    text += f"{pair.label}. The answer is read at the last token."

    def figure(mode: Theme) -> Any:
        return token_grid(
            grid,
            tokens,
            rows=tuple(map(str, range(len(grid)))),
            row_title="Layer",
            unit="Part of the logit difference",
            caption=text,
            theme=mode,
        )

    draw(figure(theme()), key="by_token", alt=text)
    with st.container(horizontal=True):
        about("direct", key="token")
        export_row(figure, [], lambda: table, key="by_token", name="direct-by-token")


def logit_lens(table: pd.DataFrame, answer: str, distractor: str, run: data.RunName) -> None:
    """Every layer's stream read as if it were the last."""
    column = st.segmented_control(
        "Colour",
        list(SHOWN),
        default="difference",
        required=True,
        key="lens",
        bind="query-params",
        format_func=SHOWN.__getitem__,
    )
    grid, tops = lens_grid(table, column).astype(float), lens_grid(table, "top")
    ranks, chances = lens_grid(table, "answer_rank"), lens_grid(table, "top_probability").astype(float)
    tokens = tuple(table[table.layer == 0].sort_values("position").token)
    rows = tuple("embed" if i == 0 else str(i - 1) for i in range(len(grid)))
    hovers = tops.copy()
    for place in [(i, j) for i in range(grid.shape[0]) for j in range(grid.shape[1])]:
        hovers[place] = f"likeliest {tops[place]!r} ({number(chances[place])}), the answer has rank {ranks[place]}"
    text = f"Logit lens, {run} run: the stream after each layer through the final norm and unembedding. Colour: "
    text += f"{SHOWN[column].lower()} ({visible(answer)} against {visible(distractor)}); words: the likeliest token."

    def figure(mode: Theme) -> Any:
        return token_grid(
            grid, tokens, rows=rows, row_title="After layer", unit=SHOWN[column], caption=text, texts=tops,
            hovers=hovers, reach=float(abs(grid[1:]).max()), theme=mode,
        )  # fmt: skip

    draw(figure(theme()), key="lens_grid", alt=text)
    with st.container(horizontal=True):
        about("lens")
        export_row(figure, [], lambda: table, key="lens", name="logit-lens")
