"""The main figure of a study, its numbers and prompts, and what can be taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.figures.style import Theme
from core.labs.knowledge.figures import accuracies as probing
from core.labs.knowledge.probes.names import METHOD_NAMES
from core.labs.knowledge.script import reproduction_script
from core.labs.knowledge.statements.wording import NAMES
from core.labs.knowledge.summary import StudyFiles
from ui.labs.knowledge.about import about
from ui.parts.charts import draw, theme
from ui.parts.export import export_row

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
    _numbers(files, view)


def _numbers(files: StudyFiles, view: View) -> None:
    """The means behind the figure."""
    held = [c for c in dict.fromkeys(("none", view.condition)) if c in files.conditions]
    table = files.numbers(held, layer=view.layer, split=view.split)
    shown = pd.DataFrame(
        {
            "prompts": [NAMES[c] for c in table.condition],
            "method": [METHOD_NAMES[m] for m in table.method],
            "truth": table.truth.round(3),
            "distractor": table.distractor.round(3),
            "truth, signed": table.truth_signed.round(3),
            "seeds ≥ 0.9 on truth": [f"{share:.0%}" for share in table.finds_truth],
            "on distractor": [f"{share:.0%}" for share in table.finds_distractor],
            "seeds": table.seeds,
        }
    )
    with st.expander("The numbers"):
        st.dataframe(shown, hide_index=True, alt="Mean accuracies of every method.")
        st.caption(
            "Signed: the share of right answers itself, after ten labelled items of the fitted part said which side of "
            "the probe is true."
        )


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
