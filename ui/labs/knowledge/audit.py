"""The audit cards of a study, and the theorems beside them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.figures.numbers import number
from core.figures.style import Theme
from core.labs.knowledge.figures.inside import planted_curve
from core.labs.knowledge.probes.names import METHOD_NAMES
from core.labs.knowledge.summary import StudyFiles
from ui.labs.knowledge.about import about
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.shell.messages import counted, plain

MARKS = {"passed": "✓ passed", "failed": "✗ failed", "not run": "– not run"}
RATIOS = [2 ** (k / 4) for k in range(-8, 9)]
SEEDS = 5


@st.fragment
def cards(files: StudyFiles) -> None:
    """The verdict on each method, one of them in full."""
    st.subheader("Audit", anchor=False)
    found = files.report["cards"]
    if not found:
        st.info("An audit needs the default prompts; they are not part of this study.")
        return
    names = {card["probe"]: METHOD_NAMES.get(card["probe"], card["probe"]) for card in found}
    st.dataframe(_overview(found, names), hide_index=True, alt="Outcome of every check for every probe.")
    chosen = st.selectbox("Card of", list(names), format_func=names.__getitem__, key="k_card", width=320)
    card = next(card for card in found if card["probe"] == chosen)
    with st.container(border=True):
        st.markdown(f"**{plain(names[chosen])}** · {plain(card['verdict'])}")
        for check in card["checks"]:
            mark, outcome = MARKS[check["outcome"]].split(maxsplit=1)
            st.markdown(
                f"{mark} **{plain(check['name'])}**: {outcome}. {plain(check['sentence'])}",
                help=plain(check["question"]),
            )
        at = f"Layer {card['layer']}, " if card["layer"] is not None else ""
        seeds = f"{counted(card['seeds'], 'seed')}; means over seeds" if card["seeds"] > 1 else "one probe"
        st.caption(f"{at}N = {card['items']} held-out items, {seeds}.")
    with st.container(horizontal=True):
        about("audit")


def _overview(found: list[dict[str, Any]], names: dict[str, str]) -> pd.DataFrame:
    rows = []
    for card in found:
        rows.append(
            {"probe": names[card["probe"]]} | {c["name"]: MARKS[c["outcome"]].split()[0] for c in card["checks"]}
        )
    return pd.DataFrame(rows)


@st.fragment
def theorems(files: StudyFiles) -> None:
    """The theorems in numbers, live, and what decides instead of truth."""
    st.subheader("Why a low loss is no sign of truth", anchor=False)
    left, right = st.columns([1, 1], gap="large")
    with left:
        seed = st.number_input("Draw the questions, the probe and the target anew: seed", 0, 9999, 0, key="k_theorem")
        shown = _demonstration(int(seed))
        st.table(_theorem_table(shown).set_index("CCS loss"))
        st.caption(
            f"{shown['items']} questions. h is any yes/no, the probe is random, and so is what it is turned into; the "
            f"turned probe says the target on {shown['induced']:.0%} of the questions."
        )
        st.markdown(_labellings(files))
    with right:
        ratio = st.select_slider(
            "Variance of the truth / of the distractor",
            RATIOS,
            value=1.0,
            format_func=lambda x: number(x),
            key="k_ratio",
        )
        table = _planted()

        def figure(mode: Theme) -> Any:
            return planted_curve(table, ratio=ratio, seeds=SEEDS, theme=mode)

        draw(figure(theme()), key="k_planted", alt="Accuracy of PC1 on planted features against their variances.")
        with st.container(horizontal=True):
            about("theorems")
            export_row(figure, [], lambda: table, key="k_planted", name="knowledge-planted")


@st.cache_data(max_entries=64, show_spinner=False)
def _demonstration(seed: int) -> dict[str, Any]:
    from dataclasses import asdict

    import numpy as np

    from core.labs.knowledge.theory.theorems import demonstrate

    return asdict(demonstrate(np.random.default_rng(seed)))


def _theorem_table(shown: dict[str, Any]) -> pd.DataFrame:
    rows = {
        "Theorem 1: h xor which answer": shown["xor_loss"],
        "Theorem 2: a random probe": shown["before"],
        "the same, turned into another": shown["after"],
        "difference": {form: shown["after"][form] - shown["before"][form] for form in shown["after"]},
    }
    return pd.DataFrame(
        [
            {"CCS loss": name, "symmetric": _loss(found["symmetric"]), "original": _loss(found["original"])}
            for name, found in rows.items()
        ]
    )


def _loss(x: float) -> str:
    return "0" if x == 0 else f"{x:.6f}".replace("-", "−") if abs(x) > 1e-6 else number(x)


def _labellings(files: StudyFiles) -> str:
    found = pd.DataFrame(files.report["labellings"])
    return (
        f"**Random labellings on these activations.** {len(found)} random yes/no of the items, each fitted by a linear "
        f"probe: mean training loss **{number(float(found.train_loss.mean()))}**, training accuracy "
        f"{found.train_accuracy.mean():.2f}; held out, accuracy **{found.test_accuracy.mean():.2f}** "
        f"(from {found.test_accuracy.min():.2f} to {found.test_accuracy.max():.2f}) and loss "
        f"{number(float(found.test_loss.mean()))}. A held-out loss tells features that were memorised from real ones, "
        "but not the truth from a distractor."
    )


@st.cache_data(show_spinner=False)
def _planted() -> pd.DataFrame:
    from core.labs.knowledge.theory.planted import winners

    rows = []
    for ratio in RATIOS:
        found = [winners(truth=ratio, distractor=1.0, seed=seed) for seed in range(SEEDS)]
        rows.append((ratio, *(sum(values) / SEEDS for values in zip(*found))))
    return pd.DataFrame(rows, columns=["ratio", "truth", "distractor"])
