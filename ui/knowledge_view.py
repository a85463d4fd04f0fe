"""Figures of a study: the main one, and what stands behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.figures import probing, probing_inside
from core.figures.style import Theme
from core.probing.names import METHOD_NAMES
from core.probing.script import reproduction_script
from core.probing.summary import StudyFiles
from core.probing.wording import NAMES, REPETITIONS
from core.prompts.show import visible
from ui.charts import draw, theme
from ui.export import export_row
from ui.knowledge_about import about
from ui.messages import plain

LISTED = 8
SPLITS = {"Held-out items": "test", "Items fitted on": "train"}
PREFERRED = ("word", "opinion", "persona", "implicit", "reworded")


@dataclass(frozen=True)
class View:
    """What of a study is looked at."""

    condition: str
    layer: int
    split: str


def choose_view(files: StudyFiles) -> View:
    """The controls that only re-slice what is stored; all are part of the link."""
    held = [c for c in PREFERRED if c in files.conditions] or [files.conditions[0]]
    layers = files.settings["layers"]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        condition = st.segmented_control(
            "Default prompts against",
            held,
            format_func=NAMES.__getitem__,
            default=held[0],
            required=True,
            key="against",
            bind="query-params",
        )
        layer = files.settings["focus"]
        if len(layers) > 1:
            layer = st.select_slider("Layer", layers, value=layer, key="at_layer", bind="query-params", width=260)
        split = st.segmented_control(
            "Accuracy on", list(SPLITS), default="Held-out items", required=True, key="part", bind="query-params"
        )
    return View(condition, layer, SPLITS[split])


def prompts(files: StudyFiles, view: View) -> None:
    """The words that the model read, for one item."""
    examples = files.report["examples"]
    shown = [name for name in dict.fromkeys(("none", view.condition)) if name in examples]
    with st.expander("The prompts, by an example"):
        for column, name in zip(st.columns(len(shown)), shown):
            column.markdown(f"**{NAMES[name]}**")
            column.code(examples[name], language=None, wrap_lines=True)
        st.caption("The other prompt of the pair ends in the other answer. Probes read the very last token.")


def main_figure(files: StudyFiles, view: View) -> None:
    """Violins, what they say in a sentence, and the numbers."""
    st.markdown(_sentence(files, view))

    def figure(mode: Theme) -> Any:
        return probing.violins(files, view.condition, layer=view.layer, split=view.split, theme=mode)

    def data() -> pd.DataFrame:
        names = dict.fromkeys(("none", view.condition))
        return pd.concat([files.rows(c, layer=view.layer, split=view.split) for c in names if c in files.conditions])

    draw(figure(theme()), key="k_violins", alt=_sentence(files, view))
    with st.container(horizontal=True):
        about("violins")
        export_row(figure, [], data, key="k_violins", name=f"knowledge-{view.condition}-layer-{view.layer}")
        study_files(files)


def _sentence(files: StudyFiles, view: View) -> str:
    """The figure's point: where CCS, PCA and a supervised probe went."""
    parts = []
    for condition in dict.fromkeys(("none", view.condition)):
        if condition not in files.conditions:
            continue
        rows = files.rows(condition, layer=view.layer, split=view.split)
        means = rows.groupby("method")[["truth", "distractor"]].mean()
        found = [
            f"{METHOD_NAMES[m]} **{means.truth[m]:.2f}** / {means.distractor[m]:.2f}"
            for m in ("ccs", "pca", "logistic")
            if m in means.index
        ]
        parts.append(f"{NAMES[condition]}: {', '.join(found)}")
    return "Mean accuracy on the **truth** / on the distractor. " + ". ".join(parts) + "."


def study_files(files: StudyFiles) -> None:
    """Tables, probes and the script of the whole study."""
    with st.popover("The whole study", type="tertiary", key="k_files"):
        st.caption("Every number of the study, its probes with their normalisers, and a script that runs it again.")
        with st.container(horizontal=True):
            for path in sorted(files.folder.iterdir()):
                if path.suffix in (".csv", ".json", ".safetensors") and path.name != "activations.safetensors":
                    st.download_button(
                        path.name, path.read_bytes, file_name=path.name, key=f"k_file_{path.name}", on_click="ignore"
                    )
            st.download_button(
                "Python script",
                lambda: reproduction_script(files),
                file_name="reproduce-knowledge.py",
                mime="text/x-python",
                key="k_script",
                on_click="ignore",
            )


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
