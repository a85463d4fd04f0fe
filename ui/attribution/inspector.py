"""The inspector: everything known of the chosen node."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import UserError
from core.figures.captions import METRIC_WORDS
from core.figures.effects.bars import pair_points, position_profile
from core.figures.effects.scatter import row_node
from core.figures.numbers import number
from core.figures.style import Theme
from core.patching.place import Node, words
from core.patching.results.pooling import base_tokens
from core.patching.results.ranking import Positions
from core.patching.results.result import AttributionResult
from core.patching.results.told import notes_of
from ui.attribution.inside import attention_of, written_by
from ui.parts.about import about
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.parts.shown import going_on
from ui.parts.tables import node_by_pair, node_by_position, stacked, top_nodes
from ui.parts.views import View
from ui.shell.messages import plain, show_error
from ui.shell.state import NODE, chosen_node

MOST_OPTIONS = 60
COLUMN_WIDTH = 380  # narrowest that a figure beside another may get, in CSS pixels


def choose_selected(results: list[AttributionResult], view: View, row: DeltaGenerator) -> Node | None:
    """Pick the node to inspect in a row of controls, and say its effect; at first the largest of what is shown."""
    node = chosen_node()
    if node is None or not any(holds(result, node) for result in results):
        nodes = _largest(results, view, 1)
        node = nodes[0] if nodes else None
    with row:
        node = _choose(results, view, node)
    holding = _holding(results, node)
    if node is not None and holding:
        try:
            _sentence(holding[0], node, view)
        except UserError as error:
            show_error(error)
    return node


def holds(result: AttributionResult, node: Node) -> bool:
    """Whether a node lies within what a result computed."""
    longest = max(result.groups())
    return (
        node.kind in result.effects
        and node.layer < result.shape.n_layers
        and (node.unit or 0) < result.shape.units(node.kind)
        and (node.position or 0) < longest
    )


def _holding(results: list[AttributionResult], node: Node | None) -> list[AttributionResult]:
    return [result for result in results if node is not None and holds(result, node)]


def inspector(results: list[AttributionResult], view: View, node: Node | None) -> None:
    """The chosen node by position, by pair, and inside the model."""
    holding = _holding(results, node)
    if node is None or not holding:
        return
    place = words(node, _token(holding[0], node, view))
    st.subheader(plain(place[0].upper() + place[1:]), anchor=False)
    try:
        _effects(holding, node, view)
    except UserError as error:
        show_error(error)
    if going_on():  # readings of the model would wait behind the run
        st.caption("Its attention and what it writes follow when the run is finished.")
        return
    with st.grid(min_column_width=COLUMN_WIDTH, gap="medium"):
        with st.container():
            attention_of(holding[0], node)
        with st.container():
            written_by(holding[0], node)


def _choose(results: list[AttributionResult], view: View, node: Node | None) -> Node | None:
    """The keyboard's way to what a click does: both set the same value."""
    nodes = _largest(results, view, MOST_OPTIONS)
    if node is not None and node not in nodes:
        nodes.insert(0, node)
    if node is None:
        return None
    options = [n.key for n in nodes]
    if st.session_state.get(NODE) not in options:
        st.session_state[NODE] = node.key
    st.selectbox(
        "Chosen node",
        options,
        key=NODE,
        persist_state="session",
        format_func=lambda key: words(Node.parse(key)),
        help=f"The {MOST_OPTIONS} largest nodes of what is shown; a click on any cell chooses that one.",
    )
    return chosen_node()


def _largest(results: list[AttributionResult], view: View, top: int) -> list[Node]:
    for result in results:
        if any(kind in result.effects for kind in view.kinds):
            return [row_node(row) for _, row in ranked(result, view, top=top).iterrows()]
    return []


def ranked(result: AttributionResult, view: View, *, top: int) -> pd.DataFrame:
    """The largest nodes of the kinds on show, as the view ranks them."""
    return top_nodes(
        result,
        tuple(kind for kind in view.kinds if kind in result.effects),
        top=top,
        scale=view.scale,
        positions=ranked_positions(view),
        n_tokens=view.n_tokens,
        average=view.average,
    )


def ranked_positions(view: View) -> Positions:
    """Whether nodes are ranked token by token, or with positions collapsed as in the figure."""
    if view.n_tokens is None or (view.collapses and view.position is None):
        return view.collapse
    return "each"


def _sentence(result: AttributionResult, node: Node, view: View) -> None:
    """The effect in plain words, with the gap it is part of."""
    table = node_by_pair(result, node, scale="signed", n_tokens=_length(result, node, view), collapse=view.collapse)
    value, gap = float(table["value"].mean()), float(table["gap"].mean())
    token = _token(result, node, view)
    metric = METRIC_WORDS[result.spec.metric]
    if not result.spec.signed:
        what = f"gets a score of {number(value)} on the {metric}"
    else:
        what = f"{'lowers' if value < 0 else 'raises'} the {metric} by {number(abs(value))}"
    how = _source(result, table)
    st.markdown(
        f"Patching **{plain(words(node, token))}** {what}{how}, of a gap of {number(gap)} between the two prompts."
    )


def _source(result: AttributionResult, table: pd.DataFrame) -> str:
    """Whether a node's effect is exact or estimated; of a screen, in how many of the pairs."""
    if result.spec.method == "exact":
        return ""
    exact = int((table["source"] == "exact").sum()) if "source" in table else 0
    if exact and exact < len(table):
        return f" (exact in {exact} of {len(table)} pairs)"
    return " (exact)" if exact else " (estimated)"


def _token(result: AttributionResult, node: Node, view: View) -> str | None:
    n_tokens = _length(result, node, view)
    if node.position is None or n_tokens is None:
        return None
    return base_tokens(result, result.groups()[n_tokens][0])[node.position]


def _length(result: AttributionResult, node: Node, view: View) -> int | None:
    """A node at a position belongs to pairs of one length."""
    groups = result.groups()
    if view.n_tokens in groups:
        return view.n_tokens
    if node.position is None and len(groups) > 1:
        return None
    return next((n for n in groups if (node.position or 0) < n), None)


def _effects(holding: list[AttributionResult], node: Node, view: View) -> None:
    """By position and by pair, every method in its own colour."""
    spec = holding[0].spec
    length = _length(holding[0], node, view)
    profile_length = length or max(holding[0].groups(), key=lambda n: len(holding[0].groups()[n]))
    positions = {r.spec.choice: node_by_position(r, node, scale=view.scale, n_tokens=profile_length) for r in holding}
    pairs = {
        r.spec.choice: node_by_pair(r, node, scale=view.scale, n_tokens=length, collapse=view.collapse) for r in holding
    }
    group = holding[0].groups()[profile_length]
    first = min(holding[0].pairs[i].tokens.first_difference for i in group) if spec.donor == "corrupt" else None
    place = words(Node(node.kind, node.layer, node.unit))
    notes = tuple(dict.fromkeys(note for r in holding for note in notes_of(r)))

    def by_position(mode: Theme) -> Any:
        return position_profile(
            positions,
            spec=spec,
            node=node,
            scale=view.scale,
            first_difference=first,
            theme=mode,
            title="By position",
            notes=notes,
        )

    def by_pair(mode: Theme) -> Any:
        return pair_points(pairs, spec=spec, node=node, scale=view.scale, theme=mode, title="By pair", notes=notes)

    with st.grid(min_column_width=COLUMN_WIDTH, gap="medium"):
        with st.container():
            draw(by_position(theme()), key="by_position", alt=f"Effect of {place} at every token.")
            with st.container(horizontal=True):
                about("node")
                name = f"by-position-{node.key}"
                export_row(by_position, holding, lambda: stacked(positions), key="by_position", name=name)
        with st.container():
            draw(by_pair(theme()), key="by_pair", alt=f"Effect of {place} in every pair.")
            export_row(by_pair, holding, lambda: stacked(pairs), key="by_pair", name=f"by-pair-{node.key}")
