"""A study on the Multiple choice page: the verdict, then one part of it at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core.figures.numbers import number
from core.figures.style import Theme
from core.labs.multiple_choice.figures import overview as figures
from core.labs.multiple_choice.folder import Stored
from core.labs.multiple_choice.script import reproduction_script
from core.paths import ASSETS
from ui.labs.multiple_choice.heads import heads, mutations, subspaces
from ui.labs.multiple_choice.parts import choice, place
from ui.shell.messages import counted, plain

CURVE = ASSETS / "labs" / "multiple_choice" / "training.csv"
TOY = "label-binding"
ABLATIONS = {"Resample": "resample", "Mean": "mean", "Zero": "zero"}
METRICS = {"Loss": "loss", "Centred logit": "centred logit"}
MEASURES = {"Right answers": "accuracy", "Loss": "loss"}


def tell(study: Stored) -> None:
    """The verdict, first of all."""
    verdict = study.summary["verdict"]
    (st.success if study.binds else st.warning)(plain(verdict["words"]))
    about_set = study.summary["questions"]
    spec = study.run["spec"]
    st.caption(
        f"{plain(spec['model'])} ({plain(spec['settings']['dtype'])}), questions {plain(about_set['name'])} "
        f"({about_set['count']}), layout {plain(about_set['layout'])}, seed {spec['settings']['seed']}."
    )


def show_parts(name: str, study: Stored) -> None:
    """The chosen part, and the files of the whole study."""
    parts: dict[str, Callable[[str, Stored], None]] = {"Labels": labels}
    if study.binds:
        parts = {"Output nodes": output_nodes, "Heads": heads}
        parts |= {"Subspaces": subspaces} if study.has_heads else {}
        parts |= {"Mutations": mutations, "Labels": labels}
    if study.run["spec"]["model"].startswith(TOY):
        parts["Training"] = training
    options = list(parts)
    chosen = options[0]
    if len(options) > 1:
        picked = st.segmented_control(
            "Part of the study", options, default=chosen, required=True, key="mc_part", bind="query-params"
        )
        chosen = picked if picked in parts else chosen
    parts[chosen](name, study)
    if not study.binds and chosen == "Labels":
        _accuracies(study)
    _files(name, study)


def labels(name: str, study: Stored) -> None:
    """Which labels are chosen."""
    table = study.tables["labels"]
    prompts = study.tables["answers"].groupby("mutation").size().to_dict()

    def figure(mode: Theme) -> Any:
        return figures.label_shares(table, prompts, theme=mode)

    place(figure, lambda: table, key="mc_labels", name=f"{name}-labels", alt="Share of each label.", which="Labels")


def _accuracies(study: Stored) -> None:
    table = study.tables["mutations"]
    shown = pd.DataFrame(
        {
            "labels and format": table.mutation,
            "right": [f"{x:.0%}" for x in table.accuracy],
            "right, preference removed": [f"{x:.0%}" for x in table.corrected],
            "loss (nats)": [number(x) for x in table.loss],
            "prompts": table.n,
        }
    )
    st.dataframe(shown, hide_index=True, alt="Accuracy under every mutation.")
    st.caption("On the second half of the questions, each asked four times. Chance: 25 %.")


def output_nodes(name: str, study: Stored) -> None:
    """Net direct effects and the cut; direct against total; sufficiency."""
    nodes, effects, kept = (study.tables[key] for key in ("nodes", "effects", "kept"))
    st.markdown(_sentence(nodes, effects, kept))
    with st.grid(min_column_width=380, gap="medium"):
        with st.container():
            _writers(name, nodes, study.summary["prompts"])
        with st.container():
            _paths(name, nodes, effects)
    st.subheader("Are they enough?", anchor=False)
    measure = choice("Measure", MEASURES, "mc_kept")
    place(
        lambda mode: figures.sufficiency(kept, measure=measure, theme=mode),
        lambda: kept,
        key="mc_sufficiency",
        name=f"{name}-sufficiency",
        alt="What is left with so many nodes.",
    )


def _writers(name: str, nodes: pd.DataFrame, n: int) -> None:
    st.subheader("Who writes the right label", anchor=False)
    place(
        lambda mode: figures.node_bars(nodes, n=n, theme=mode),
        lambda: nodes,
        key="mc_nodes",
        name=f"{name}-nodes",
        alt="Net direct effect of each node.",
        which="Output nodes",
    )


def _paths(name: str, nodes: pd.DataFrame, effects: pd.DataFrame) -> None:
    st.subheader("Direct against total effect", anchor=False)
    with st.container(horizontal=True):
        ablation = choice("Ablation", ABLATIONS, "mc_ablation")
        metric = choice("Metric", METRICS, "mc_metric")
    place(
        lambda mode: figures.direct_total(effects, nodes, ablation=ablation, metric=metric, theme=mode),
        lambda: effects,
        key="mc_effects",
        name=f"{name}-effects",
        alt="Direct against total effects.",
    )


def _sentence(nodes: pd.DataFrame, effects: pd.DataFrame, kept: pd.DataFrame) -> str:
    output = nodes[nodes.output]
    text = f"**{counted(len(output), 'output node')}** of {len(nodes)}: {', '.join(output.node.head(8))}."
    cut = kept[kept.output]
    if len(cut):
        row = cut.iloc[0]
        same = kept[(kept.order == "random") & (kept.nodes == row.nodes)]
        text += (
            f" With everything else resampled, {row.accuracy:.0%} of the prompts stay right; with as many random nodes "
            f"{same.accuracy.mean():.0%}."
        )
    mine = effects[(effects.ablation == "resample") & (effects.metric == "loss")]
    both = mine.pivot(index="node", columns="path", values="effect")
    hidden = (both.total - both.direct.abs()).sort_values(ascending=False)
    if len(hidden) and hidden.iloc[0] > 0.05 and abs(both.direct[hidden.index[0]]) < 0.2 * hidden.iloc[0]:
        node = hidden.index[0]
        text += (
            f" **{node}** writes almost nothing itself (direct effect {number(both.direct[node])} nats) and costs "
            f"{number(both.total[node])} nats all the same: others read it."
        )
    return text


def training(name: str, study: Stored) -> None:
    """How the toy came to bind labels."""
    curve = pd.read_csv(CURVE)
    own = curve[curve.seed == 0].pivot(index="step", columns="mutation", values="accuracy")
    early = int(own.index[own.standard >= 0.95][0])
    marks = {"stopped early": early, "finished": int(own.index[-1])}
    row, last = own.loc[early], own.iloc[-1]
    st.markdown(
        f"When the model of seed 0 first answers {row.standard:.0%} of the questions labelled A to D, it answers "
        f"{row.shuffled:.0%} of those with the four in another order and {row['random letters']:.0%} of those with "
        f"random letters; at the end {last['random letters']:.0%}, and of those labelled with digits {last.digits:.0%}."
    )
    place(
        lambda mode: figures.training(curve, marks, theme=mode),
        lambda: curve,
        key="mc_training",
        name="label-binding-training",
        alt="Accuracy by training step.",
        which="Training",
    )


def _files(name: str, study: Stored) -> None:
    """The whole study: every table, and the script that runs it again."""
    with st.popover("The whole study", type="tertiary", key="mc_files"):
        st.caption("Every number behind the figures, and a script that runs the study again and compares.")
        with st.container(horizontal=True):
            for table_name, table in study.tables.items():
                st.download_button(
                    f"{table_name}.csv",
                    partial(table.to_csv, index=False, lineterminator="\n"),
                    file_name=f"{name}-{table_name}.csv",
                    mime="text/csv",
                    key=f"mc_csv_{table_name}",
                    on_click="ignore",
                )
            st.download_button(
                "Python script",
                lambda: reproduction_script(study),
                file_name=f"reproduce-{name}.py",
                mime="text/x-python",
                key="mc_script",
                on_click="ignore",
            )
