"""The drawing on the Circuit page: how many edges, by which scores; nodes named, grouped, pinned and hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.circuits.circuit import Circuit
from core.circuits.drawing import drawing, node_names
from core.circuits.settings import METHOD_NAMES, SPAN_NAMES, SPANS, Span
from core.circuits.stored import CircuitRun
from core.errors import UserError
from core.figures.captions import caption_of
from core.figures.circuit.drawing import circuit_figure
from core.figures.style import Theme
from ui.circuit.page import SAVED, load_saved
from ui.parts.charts import CONFIG, theme
from ui.shell.messages import plain, show_error

NODE = "circuit_node"
WORDS = "_circuit_words"  # session: what a person did to the drawing, by run
COUNTS = (10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 700, 1000, 2000, 4000)
MOST_DRAWN = 1000


@dataclass(frozen=True)
class View:
    """Which ranking, how much of it."""

    method: str
    span: Span
    count: int
    pruned: bool


def choose_view(run: CircuitRun) -> View:
    """The view controls; each is part of the link."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        methods = list(run.settings.methods)
        default = "eap-ig-qk" if "eap-ig-qk" in methods else methods[-1]
        method = st.selectbox(
            "Scores",
            methods,
            index=methods.index(default),
            format_func=METHOD_NAMES.__getitem__,
            key="by",
            bind="query-params",
            width=200,
        )
        span = st.segmented_control(
            "Edges of",
            list(SPANS),
            default="position",
            required=True,
            format_func=SPAN_NAMES.__getitem__,
            key="span",
            bind="query-params",
        )
        pruned = st.toggle("Only edges on a path", value=True, key="pruned", bind="query-params")
    counts = counts_of(run, span)
    first = next((n for n in counts if n in measured_counts(run, span) and n >= 50), counts[-1])
    label, key = "Edges taken, the largest first", f"edges_{span}"
    taken: int = st.select_slider(label, counts, first, key=key, bind="query-params")
    return View(method, span, taken, pruned)


def counts_of(run: CircuitRun, span: Span) -> list[int]:
    """What the slider offers: round numbers, and the sizes at which the stored curve was measured."""
    most = min(run.n_all[span], MOST_DRAWN, *(run.most(method, span) for method in run.settings.methods))
    return sorted({n for n in {*COUNTS, *measured_counts(run, span)} if n <= most} | {most})


def measured_counts(run: CircuitRun, span: Span) -> set[int]:
    """Sizes at which the stored curve was measured."""
    return set(run.curve[run.curve.span == span].edges.astype(int)) if len(run.curve) else set()


def circuit_on_show(run: CircuitRun, view: View, name: str) -> Circuit:
    """A saved circuit that the link names; else the ranking's first edges with what was done to the drawing."""
    saved = st.query_params.get(SAVED)
    if saved:
        try:
            return load_saved(saved)
        except UserError as error:
            show_error(error)
    circuit = run.circuit(view.method, view.span, view.count, pruned=view.pruned)
    return circuit.with_words(**words(name))


def words(name: str) -> dict[str, Any]:
    """Names, groups, pins, hidden and closed of a run's drawing in this session."""
    every = st.session_state.setdefault(WORDS, {})
    return every.setdefault(name, {"names": {}, "groups": {}, "pins": {}, "hidden": (), "closed": ()})


def draw_circuit(circuit: Circuit, notes: tuple[str, ...] = ()) -> str | None:
    """The figure; a node clicked is the chosen one, whose key is returned."""
    drawn = drawing(circuit)
    keys = [node.key for node in drawn.nodes if node.kind in ("embed", "head", "mlp")]
    chosen = st.session_state.get(NODE)
    chosen = chosen if chosen in keys else None

    def figure(mode: Theme) -> Any:
        return circuit_figure(circuit, theme=mode, selected=chosen, notes=notes)

    st.markdown(f"Showing **{drawn.shown:,}** of {drawn.total:,} edges.".replace(",", "\u2009"))
    fig = figure(theme())
    st.plotly_chart(
        fig,
        key="circuit_chart",
        theme=None,
        config=CONFIG | {"scrollZoom": False},
        alt=f"Circuit of {drawn.shown} edges between {len(drawn.nodes)} nodes.",
        on_select=_pick,
        selection_mode="points",
    )
    st.caption(plain(caption_of(fig)))
    return chosen


def _pick() -> None:
    points = st.session_state["circuit_chart"].selection.points
    data = points[0].get("customdata") if points else None
    if isinstance(data, dict):
        data = [data.get("0")]
    if data and isinstance(data[0], str):
        st.session_state[NODE] = data[0]


def edit_nodes(circuit: Circuit, name: str) -> None:
    """Name, group, move or hide the chosen node; open and close groups."""
    own = words(name)
    drawn = {node.key: node for node in drawing(circuit).nodes if node.kind in ("embed", "head", "mlp")}
    if not drawn:
        return
    if st.session_state.get(NODE) not in drawn:
        st.session_state[NODE] = max(drawn, key=lambda key: drawn[key].strength)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = st.selectbox("Node", list(drawn), key=NODE, width=220, help="Or click it in the drawing.")
        node = drawn[key]
        _text("Name", own["names"], node.name)
        _text("Group", own["groups"], node.name)
        st.button("Hide", key="circuit_hide", on_click=_hide, args=(own, node.name))
        with st.popover("Move"):
            x = st.number_input("Across", value=round(node.x, 2), step=0.25, key=f"x_{key}")
            y = st.number_input("Up (layer)", value=round(node.y, 2), step=0.25, key=f"y_{key}")
            st.button("Pin it there", key="circuit_pin", on_click=own["pins"].__setitem__, args=(key, (x, y)))
            if key in own["pins"]:
                st.button("Let it go", key="circuit_unpin", on_click=own["pins"].pop, args=(key,))
    groups = sorted(set(own["groups"].values()) - {""})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if groups:
            closed = [group for group in own["closed"] if group in groups]
            own["closed"] = tuple(
                st.multiselect("Groups drawn as one node", groups, default=closed, key=f"closed_{name}", width=320)
            )
        if own["hidden"]:
            there = [*own["hidden"]]
            kept = st.multiselect("Hidden", there, default=there, key=f"hidden_{len(there)}_{name}", width=320)
            if len(kept) < len(there):
                own["hidden"] = tuple(kept)
                st.rerun()
    if missing := [n for n in own["names"] if n not in node_names(circuit) and own["names"][n]]:
        st.caption(f"Named, but not in this circuit: {plain(', '.join(missing))}.")


def _text(label: str, place: dict[str, str], key: str) -> None:
    field = f"circuit_{label}_{key}"

    def keep() -> None:
        text = st.session_state[field].strip()[:40]
        if text:
            place[key] = text
        else:
            place.pop(key, None)

    st.text_input(label, place.get(key, ""), max_chars=40, key=field, on_change=keep, width=160)


def _hide(own: dict[str, Any], name: str) -> None:
    own["hidden"] = (*own["hidden"], name)
