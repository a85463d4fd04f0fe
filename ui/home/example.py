"""The finished result on the start page: stored with the app, shown before any model is loaded."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.figures.captions import METRIC_WORDS
from core.figures.effects.panels import method_panels
from core.figures.effects.scatter import row_node
from core.figures.numbers import number
from core.figures.style import NAMES, Theme
from core.patching.place import words
from core.patching.results.result import AttributionResult
from core.prompts.show import shown
from ui.parts.about import about
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.parts.tables import comparison, head_table, stacked, top_nodes
from ui.parts.tokens import pair_strip
from ui.shell.messages import counted, plain
from ui.shell.store import examples


def example() -> tuple[AttributionResult, ...]:
    """The bundled runs of one question, exact first; empty if they are missing."""
    runs = [run for run in examples().values() if "z" in run.effects]
    return tuple(sorted(runs, key=lambda run: run.spec.method != "exact"))


def tell(runs: tuple[AttributionResult, ...]) -> None:
    """What was asked and what was found, in words."""
    exact = runs[0]
    pair = exact.pairs[0]
    top = top_nodes(exact, ("z",), top=1, scale="signed", positions="strongest", n_tokens=None, average="signed").iloc[
        0
    ]
    gap = sum(run.gap for run in exact.pairs) / len(exact.pairs)
    st.subheader("Which heads carry the name to the end of the sentence?", anchor=False)
    pair_strip(pair.tokens)
    name, answer, other = (plain(x) for x in (_model(exact), shown(pair.tokens.answer), shown(pair.tokens.distractor)))
    st.markdown(
        f"{name} continues the clean prompt with **{answer}** and the corrupt one with **{other}**. "
        f"Over {counted(len(exact.pairs), 'such pair')}, putting the corrupt activation of "
        f"**{plain(words(row_node(top)))}** into the clean run changes the {METRIC_WORDS[exact.spec.metric]} by "
        f"**{number(top['mean'])}**, of a gap of {number(gap)}."
    )
    for estimate in runs[1:]:
        st.markdown(_verdict(estimate, exact))


def _verdict(estimate: AttributionResult, exact: AttributionResult) -> str:
    """How far the estimate agrees, and what it missed."""
    found = comparison(
        estimate, exact, kinds=("z",), scale="signed", positions="strongest", n_tokens=None, average="signed"
    )
    k = min(found.overlap)
    share = round(found.overlap[k] * k)
    name = plain(NAMES[estimate.spec.method])
    text = f"{name}, an estimate from a few gradient passes, finds {share} of the {k} largest heads"
    worst = found.nodes[(found.nodes.exact_rank <= k) & (found.nodes.estimate_rank > k)]
    if worst.empty:
        return f"{text}."
    row = worst.sort_values("exact_rank").iloc[0]
    missed = plain(words(row_node(row)))
    return f"{text}; {missed}, has only rank {row.estimate_rank:.0f} there, so exact patching stands beside it."


def _model(result: AttributionResult) -> str:
    return result.provenance.get("model", {}).get("name") or result.spec.model


def picture(runs: tuple[AttributionResult, ...]) -> None:
    """The heads of every run, on one colour range."""
    tables = {run.spec.choice: head_table(run, "z", scale="signed", collapse="strongest") for run in runs}

    def figure(mode: Theme) -> Any:
        return method_panels(tables, theme=mode)

    draw(figure(theme()), key="example", alt="Effect of every head on the logit difference, by each method.")
    with st.container(horizontal=True):
        about("heatmap")
        export_row(
            figure,
            list(runs),
            lambda: stacked({m: t.to_frame() for m, t in tables.items()}),
            key="example",
            name="ioi-heads",
        )
