"""Closer looks at a study, one at a time: components, layers, repetitions, seeds, items, topics, directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from core.figures.style import Theme
from core.labs.knowledge.figures import accuracies as probing
from core.labs.knowledge.figures import inside as probing_inside
from core.labs.knowledge.probes.names import METHOD_NAMES
from core.labs.knowledge.statements.wording import NAMES, REPETITIONS
from core.labs.knowledge.summary import StudyFiles
from core.prompts.show import visible
from ui.labs.knowledge.about import about
from ui.labs.knowledge.view import View
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.shell.messages import plain

LISTED = 8


@st.fragment
def closer(files: StudyFiles, view: View) -> None:
    """One closer look at a time."""
    looks: dict[str, Callable[[StudyFiles, View], None]] = {"Components": _components}
    if len(files.settings["layers"]) > 1:
        looks["Layers"] = _sweep
    if any(name in REPETITIONS for name in files.conditions):
        looks["Repeated opinion"] = _repetitions
    if "ccs" in files.settings["methods"]:
        looks["Loss"] = _loss
    looks |= {"Single items": _items, "Agreement": _agreement, "By topic": _topics}
    if files.report.get("tokens"):
        looks["Directions"] = _directions
    st.subheader("A closer look", anchor=False)
    look = st.segmented_control(
        "Look at",
        list(looks),
        default="Components",
        required=True,
        key="look",
        bind="query-params",
        label_visibility="collapsed",
    )
    looks[look](files, view)


def _figure(make: Callable[[Theme], Any], data: Callable[[], pd.DataFrame], name: str, alt: str, text: str) -> None:
    """A figure with its caption, text and exports."""
    draw(make(theme()), key=f"k_{name}", alt=alt)
    with st.container(horizontal=True):
        about(text)
        export_row(make, [], data, key=f"k_{name}", name=f"knowledge-{name}")


def _components(files: StudyFiles, view: View) -> None:
    rows = [
        {"prompts": NAMES[name], "component": f"PC{k}", "of the variance": f"{pc['share']:.0%}"}
        | {"matches truth": f"{pc['truth']:.2f}", "matches distractor": f"{pc['distractor']:.2f}"}
        for name in dict.fromkeys(("none", view.condition))
        for k, pc in enumerate(files.report["variance"].get(name, []), start=1)
    ]
    _figure(
        lambda mode: probing_inside.component_panels(files, view.condition, theme=mode),
        lambda: files.scores[files.scores.condition.isin(["none", view.condition])],
        "components",
        "Differences along two components, coloured by truth and by distractor.",
        "components",
    )
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Share of variance of each component, and what it matches.")


def _sweep(files: StudyFiles, view: View) -> None:
    _figure(
        lambda mode: probing.sweep(files, view.condition, split=view.split, theme=mode),
        lambda: files.accuracy[files.accuracy.condition == view.condition],
        "layers",
        f"Accuracy by layer, {NAMES[view.condition]}.",
        "sweep",
    )


def _repetitions(files: StudyFiles, _: View) -> None:
    _figure(
        lambda mode: probing.repetitions(files, theme=mode),
        lambda: probing.repetition_table(files),
        "repetitions",
        "Accuracy against the number of times that the opinion is given.",
        "sweep",
    )


def _loss(files: StudyFiles, view: View) -> None:
    _figure(
        lambda mode: probing.loss_scatter(files, view.condition, layer=view.layer, split=view.split, theme=mode),
        lambda: files.rows(view.condition, layer=view.layer, split=view.split).query("method == 'ccs'"),
        "loss",
        "Loss and accuracy of every CCS seed.",
        "loss",
    )


def _items(files: StudyFiles, view: View) -> None:
    methods = [m for m in files.settings["methods"] if m != "random"]
    method = st.selectbox("Method", methods, format_func=METHOD_NAMES.__getitem__, key="k_items_method", width=280)
    scores = files.scores[files.scores.condition == view.condition].merge(files.items, on="item")
    scores = scores.assign(score=scores[method], right=(scores[method] > 0) == (scores.label == 1))
    scores = scores.sort_values("score", key=abs, ascending=False)
    columns = ["text", "label", "distractor", "score", "right", "split"]
    for name, table in (("Most confident", scores.head(LISTED)), ("Least confident", scores.tail(LISTED)[::-1])):
        st.markdown(f"**{name}**, {NAMES[view.condition].lower()} prompts")
        st.dataframe(table[columns].round({"score": 2}), hide_index=True, alt=f"{name} items.")
    about("items")


def _agreement(files: StudyFiles, view: View) -> None:
    table = pd.DataFrame(files.report["agreement"])
    table = table[table.condition == view.condition].assign(
        first=lambda t: t["first"].map(METHOD_NAMES), second=lambda t: t["second"].map(METHOD_NAMES)
    )
    table = table.rename(columns={"same": "same answers", "independent": "if independent"}).drop(columns="condition")
    st.dataframe(table.round(3), hide_index=True, height=320, alt="Agreement between methods.")
    st.caption(
        f"{NAMES[view.condition]} prompts, layer {files.settings['focus']}, held-out items: share of identical answers "
        "of two methods (mean over up to ten seeds each), and the share expected if they erred independently at "
        "their accuracies."
    )


def _topics(files: StudyFiles, _: View) -> None:
    table = pd.DataFrame(files.report["by_topic"])
    if table.empty:
        st.info("The study holds no default prompts.")
        return
    table = table.assign(
        method=table.method.map(METHOD_NAMES), topic=table.topic.where(table.topic != "", "all")
    ).pivot(index="topic", columns="method", values="truth")
    st.dataframe(table.round(2), alt="Accuracy on the truth by topic.")
    st.caption(
        f"Default prompts, layer {files.settings['focus']}, N = {files.report['data']['items']}: signed accuracy of "
        "supervised probes over five grouped folds, and of what the model answers itself (its likelier answer; "
        "calibrated: against the median). A probe far above the model's own answer shows that the activations hold "
        "more than the answer tells."
    )


def _directions(files: StudyFiles, _: View) -> None:
    names = list(files.report["tokens"])
    _figure(
        lambda mode: probing_inside.steering_curves(files, theme=mode),
        lambda: files.steering,
        "steering",
        "Change of the logit difference when a direction is added.",
        "directions",
    )
    rows = []
    for name in names:
        found = files.report["tokens"][name]
        rows.append(
            {
                "direction": plain(METHOD_NAMES.get(name, name)),
                "raises": _tokens(found["raised"]),
                "lowers": _tokens(found["lowered"]),
            }
        )
    st.table(pd.DataFrame(rows).set_index("direction"))
    st.caption(
        "Tokens whose logits each direction (towards the answer for label true) raises and lowers most, "
        f"layer {plain(str(files.settings['focus']))}."
    )


def _tokens(found: list[list[Any]]) -> str:
    """Tokens parted by wide spaces; a table reads markdown, so they are made plain."""
    return " \u2003".join(plain(visible(token)) for token, _ in found)
