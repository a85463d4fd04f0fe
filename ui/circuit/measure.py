"""What the circuit on screen explains: the kept curve's own number where it has one, else measured on the model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import streamlit as st

from core.circuits.circuit import Circuit
from core.circuits.drawing import touched
from core.circuits.stored import CircuitRun
from core.figures.circuit.curve import WHAT_WORDS, curve_figure
from core.figures.numbers import number
from core.figures.style import Theme
from ui.circuit.about import about
from ui.circuit.view import View
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.parts.looks import ask_model
from ui.shell.messages import plain
from ui.shell.models import ModelFacts
from ui.shell.state import model_choice


@dataclass(frozen=True)
class Explained:
    """Faithfulness with its 95 % interval over pairs (NaN for one pair), and completeness."""

    faithfulness: float
    low: float
    high: float
    completeness: float


def on_screen(circuit: Circuit) -> Circuit:
    """The circuit without the edges of hidden nodes."""
    hidden = set(circuit.hidden)
    return replace(circuit, edges=tuple(edge for edge in circuit.edges if not touched(circuit, edge) & hidden))


def explained(
    run: CircuitRun, circuit: Circuit, view: View, facts: ModelFacts | None, *, saved: bool
) -> Explained | None:
    """What the circuit on screen explains, with the button that measures it where it is not known yet."""
    if not circuit.hidden and not saved and (found := _from_curve(run, view)) is not None:
        _tell(found, "kept with the run")
        return found
    own = (run.model.get("model_id"), run.model.get("revision"))
    if facts is None or (facts.model_id, facts.revision) != own:
        st.caption(f"Load {plain(str(run.model.get('name', 'its model')))} in the sidebar to measure this circuit.")
        return None
    shown = on_screen(circuit)
    key = "explain " + hashlib.sha256(repr((shown.edges, run.pairs, run.settings.metric)).encode()).hexdigest()[:16]
    asked = st.session_state.setdefault("_circuit_asked", set())
    if key not in asked:
        st.button(
            "Measure this circuit",
            key="measure_circuit",
            on_click=asked.add,
            args=(key,),
            help="Patches every edge outside it, and then every edge inside it, with the corrupt run's.",
        )
        return None

    def read(model: Any) -> Explained:
        from core.circuits.explain import explain

        return Explained(*explain(model, run, shown))

    found = ask_model(model_choice(), key, "What the circuit explains", read)
    if found is not None:
        _tell(found, "measured now")
    return found


def _from_curve(run: CircuitRun, view: View) -> Explained | None:
    if not len(run.curve):
        return None
    rows = run.curve[
        (run.curve.method == view.method) & (run.curve.span == view.span) & (run.curve.edges == view.count)
    ]
    if rows.empty:
        return None
    row = rows.iloc[0]
    # Edges on no path change nothing when the outside is corrupt, but they do when the circuit itself is.
    complete = row.completeness if not view.pruned or row.on_paths == row.edges else float("nan")
    return Explained(row.faithfulness, row.low, row.high, complete)


def _tell(found: Explained, how: str) -> None:
    spread = f" ({number(found.low)} to {number(found.high)})" if found.low == found.low else ""
    text = f"**Faithfulness {number(found.faithfulness)}**{spread}: {WHAT_WORDS['faithfulness']}."
    if found.completeness == found.completeness:
        text += f" **Completeness {number(found.completeness)}**: {WHAT_WORDS['completeness']}."
    st.markdown(f"{text} *{how.capitalize()}.*")


def notes_of(found: Explained | None) -> tuple[str, ...]:
    """What the drawing's caption says of it."""
    if found is None:
        return ()
    text = f"Faithfulness {number(found.faithfulness)}"
    return (
        text + (f", completeness {number(found.completeness)}." if found.completeness == found.completeness else "."),
    )


def curve_view(run: CircuitRun, circuit: Circuit, found: Explained | None) -> None:
    """The curve over size, by method, with the circuit on screen in it."""
    if not len(run.curve) or circuit.span not in set(run.curve.span):
        st.caption("No curve was computed for these edges; choose it in the form above.")
        return
    what = st.segmented_control(
        "Curve", list(WHAT_WORDS), default="faithfulness", required=True, key="curve", bind="query-params",
        format_func=str.capitalize,
    )  # fmt: skip
    here = None
    if found is not None and getattr(found, what) == getattr(found, what):
        here = len(circuit.edges), float(getattr(found, what))

    def figure(mode: Theme) -> Any:
        return curve_figure(
            run.curve,
            circuit.span,
            what,
            n_all=run.n_all[circuit.span],
            n_pairs=len(run.pairs),
            gap=run.gap,
            metric=run.settings.metric,
            here=here,
            theme=mode,
        )

    draw(figure(theme()), key="circuit_curve", alt=f"{what.capitalize()} over the number of edges, by method.")
    with st.container(horizontal=True):
        about("curve")
        rows: pd.DataFrame = run.curve[run.curve.span == circuit.span]
        export_row(figure, [], lambda: rows, key="circuit_curve", name=f"circuit-{what}")
