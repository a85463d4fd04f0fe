"""Neurons: the largest by each method, and exact patching of all neurons at one layer and token."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import UserError
from core.figures.effects.bars import ranked_nodes
from core.figures.style import NAMES, Theme
from core.patching.place import Node
from core.patching.results.pooling import base_tokens
from core.patching.results.result import AttributionResult
from core.patching.results.told import notes_of
from core.patching.spec import NeuronSite, RunSpec
from core.prompts.show import visible
from ui.parts.about import about
from ui.parts.charts import draw_clickable, theme
from ui.parts.export import export_row
from ui.parts.tables import top_nodes
from ui.parts.views import View
from ui.shell.messages import plain, show_error
from ui.shell.models import slot
from ui.shell.start import submit
from ui.shell.state import model_choice, show_results, shown_results
from ui.shell.store import has_result


def neurons(results: list[AttributionResult], view: View, *, selected: Node | None) -> None:
    """Ranked bars, one figure a method; below them the way to exact effects."""
    top = st.select_slider("Neurons shown", [10, 20, 40, 80], value=20, key="top_neurons", bind="query-params")
    holding = [result for result in results if "neuron" in result.effects]
    with st.grid(min_column_width=340, gap="medium"):
        for result in holding:
            with st.container():
                _bars(result, view, top)
    about("neurons")
    _exactly(holding[0], view, selected)


def _bars(result: AttributionResult, view: View, top: int) -> None:
    positions = "each" if view.n_tokens is not None else view.collapse
    try:
        table = top_nodes(
            result,
            ("neuron",),
            top=top,
            scale=view.scale,
            positions=positions,
            n_tokens=view.n_tokens,
            average=view.average,
        )
    except UserError as error:
        show_error(error)
        return
    where = "".join(f", layer {site.layer}, position {site.position}" for site in result.spec.neurons[:1])
    title = NAMES[result.spec.choice] + where
    notes = notes_of(result, view.average)

    def figure(mode: Theme) -> Any:
        return ranked_nodes(table, spec=result.spec, scale=view.scale, theme=mode, title=title, notes=notes)

    key = f"neurons_{result.spec.digest}"
    draw_clickable(figure(theme()), key=key, alt=f"{title}: the {len(table)} largest neurons.")
    export_row(figure, [result], lambda: table, key=key, name=f"neurons-{result.spec.digest}")


def _exactly(result: AttributionResult, view: View, selected: Node | None) -> None:
    """Exact effects of all neurons of one layer at one token: the chosen neuron's place by default."""
    length = view.n_tokens or min(result.groups())
    tokens = base_tokens(result, result.groups()[length][0])
    node = selected if selected is not None and selected.kind == "neuron" else Node("neuron", 0, 0, length - 1)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layer = st.number_input(
            "Layer", 0, result.shape.n_layers - 1, node.layer, key=f"exact_layer_{node.key}", width=110
        )
        at = st.selectbox(
            "Token",
            range(length),
            index=min(node.position if node.position is not None else length - 1, length - 1),
            format_func=lambda i: f"{i}: {visible(tokens[i])}",
            key=f"exact_at_{node.key}",
            width=220,
        )
        spec = _spec(result.spec, NeuronSite(layer, at))
        facts = slot().facts(model_choice())
        ready = facts is not None and (facts.model_id, facts.revision) == (spec.model, spec.revision)
        st.button(
            f"Patch all {result.shape.d_mlp} neurons there exactly",
            disabled=not ready and not has_result(spec.digest),
            on_click=_start,
            args=(result, spec),
            help=None if ready else f"Load {plain(spec.model)} first.",
        )


def _spec(spec: RunSpec, site: NeuronSite) -> RunSpec:
    return RunSpec(
        model=spec.model,
        revision=spec.revision,
        dtype=spec.dtype,
        pairs_digest=spec.pairs_digest,
        metric=spec.metric,
        direction=spec.direction,
        nodes=("neuron",),
        method="exact",
        neurons=(site,),
        donor=spec.donor,
        spans=spec.spans,
    )


def _start(result: AttributionResult, spec: RunSpec) -> None:
    submit(model_choice(), tuple(run.tokens for run in result.pairs), spec)
    show_results((*shown_results(), spec.digest))
