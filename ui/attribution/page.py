"""The figures of the results on show; while a run goes on, with what it has by then."""

from __future__ import annotations

import streamlit as st

from core.patching.results.result import AttributionResult
from ui.attribution.agreement import trust
from ui.attribution.inspector import choose_selected, inspector
from ui.attribution.neurons import neurons
from ui.attribution.panels import heatmaps
from ui.attribution.ranking import ranking_table
from ui.parts.shown import going_on, in_order, unfinished, whose
from ui.parts.views import NEURONS, TRUST, choose_view
from ui.shell.state import shown_results

LIVE_SECONDS = 2.0  # between two looks at what an unfinished run has


def effects(finished: list[AttributionResult]) -> None:
    """Draw them, again and again while a run on show goes on; the page runs again when it ends."""
    (st.fragment(_effects, run_every=LIVE_SECONDS) if going_on() else _effects)(finished)


def _effects(finished: list[AttributionResult]) -> None:
    results = in_order([*finished, *unfinished()])
    if not results:
        if not shown_results():
            st.info("Nothing has been run yet. Press the button above, or open a stored result.")
        return
    st.subheader("Effects", anchor=False)
    whose(results)
    view, row = choose_view(results)
    node = choose_selected(results, view, row)
    main = {TRUST: trust, NEURONS: neurons}.get(view.what, heatmaps)
    main(results, view, selected=node)
    inspector(results, view, node)
    ranking_table(results, view)
