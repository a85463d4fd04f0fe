"""The kept study: what each method spends until the true top K are verified, and how the bound did."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.export.trust.contests import KeptStudy, kept_studies, verdict
from core.figures.numbers import count, number
from core.figures.style import Theme
from core.figures.trust.recall import NAMES, bound_curves, cost_curves
from core.paths import ASSETS
from ui.parts.about import about
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.shell.messages import counted, plain
from ui.trust.coverage import coverage

KEPT = ASSETS / "study"
TASKS = {
    "ioi": "Indirect object",
    "greater_than": "Later year",
    "agreement": "Subject and verb",
    "capitals": "Capital city",
    "random": "Two unrelated prompts",
}
SCOPES = {
    "attention": "attention nodes of one pair",
    "set": "attention nodes of {n} pairs",
    "neurons": "all neurons of one pair",
}


@st.cache_resource(show_spinner=False)
def _studies() -> list[KeptStudy]:
    return kept_studies(KEPT)


def study() -> None:
    """All contests in one table and a conclusion; then one of them in detail; then how often the bound held."""
    studies = _studies()
    st.subheader("What finding the true top nodes costs", anchor=False)
    st.markdown(
        "Every contest knows the exact effect of all its nodes. A method walks through the nodes in its own order and "
        "patches each; its cost is what it has spent, estimate included, when the last of the true top K is found."
    )
    for text in _conclusions(studies):
        st.markdown(f"- {text}")
    st.dataframe(
        _overview(studies), hide_index=True, height="content", alt="Relative cost of every method in every contest."
    )
    st.caption(
        "Relative cost: how many times an oracle's forward passes, a geometric mean that weighs every decade of K the "
        "same. Prices: a patch 1, a backward pass 2, AtP 4, QK fix 2 more, GradDrop (L + 1)/2 backward passes instead "
        "of one. Rivals run at their best setting, a choice in their favour. SmolLM2-135M, noising, logit difference."
    )
    names = {s.name: s for s in studies}
    chosen = names[
        st.selectbox("Contest", list(names), format_func=lambda n: _title(names[n]), key="contest", bind="query-params")
    ]
    _contest(chosen)
    _bounds(chosen)
    coverage()


def _title(s: KeptStudy) -> str:
    return f"{TASKS.get(s.task, s.task)}: {SCOPES[s.scope].format(n=s.n_pairs)}"


def _conclusions(studies: list[KeptStudy]) -> list[str]:
    """What the numbers say, whatever it is."""
    out = []
    for scopes, what in ((("attention", "set"), "attention nodes"), (("neurons",), "neurons")):
        part = [s for s in studies if s.scope in scopes]
        if not part:
            continue
        v = verdict(part)
        first = ", ".join(f"{plain(NAMES[m])} in {n}" for m, n in sorted(v.cheapest.items(), key=lambda i: -i[1]))
        text = f"On {what} ({counted(v.n, 'contest')}) the cheapest method is {first}. "
        if scopes != ("neurons",):
            text += f"The QK fix makes AtP cheaper in {v.fix_helps} of {v.n}. "
        added = (
            "GradDrop's backward passes" if scopes == ("neurons",) else "Added to the fix, GradDrop's backward passes"
        )
        text += f"{added} pay for themselves in {v.drop_helps} of {v.n}. "
        low, high = (number(x) for x in v.without)
        ratio = f"{low} times" if low == high else f"{low} to {high} times"
        out.append(text + f"The best method without gradients costs {ratio} what the best estimate costs.")
    if len(signs := pd.concat([s.signs for s in studies])):
        by = {score: part.spearman for score, part in signs.groupby("score")}
        kept, lost = (f"{by[name].min():.2f} to {by[name].max():.2f}" for name in ("signed", "magnitudes"))
        out.append(
            f"On sets, estimates averaged with their sign agree better with the exact effects (Spearman {kept}) than "
            f"the paper's mean of magnitudes ({lost}), which the contests use: effects that cancel over pairs rank "
            "too high in it. It matters for AtP and AtP + QK fix alone; the other two have no sign."
        )
    out.append(
        "This is one small model; the paper's models are 3 to 90 times as large. Differences of a few tenths "
        "between methods rest on one pair each."
    )
    return out


def _overview(studies: list[KeptStudy]) -> pd.DataFrame:
    rows = []
    for s in studies:
        costs = {NAMES[m]: number(cost) for m, cost in s.costs().items()}
        rows.append({"contest": _title(s), "nodes": count(s.n_nodes)} | costs)
    return pd.DataFrame(rows)


def _contest(s: KeptStudy) -> None:
    left, right = st.columns([3, 2], gap="medium")
    with left:

        def curves(mode: Theme) -> object:
            return cost_curves(s.recall, n_pairs=s.n_pairs, theme=mode)

        draw(curves(theme()), key=f"study_curves_{s.name}", alt="Cost of verified recall against K, a line a method.")
        export_row(curves, [], lambda: s.recall, key=f"study_curves_{s.name}", name=f"verified-recall-{s.name}")
    with right:
        if s.agreements():
            st.markdown("**Agreement with the exact effects**")
            st.dataframe(_agreement(s), hide_index=True, alt="Spearman and top-k recall of every estimate.")
            st.caption(
                f"Spearman over all {count(s.n_nodes)} nodes; then the share of the true top k that the estimate has "
                "in its own top k."
            )
        if len(s.signs):
            st.markdown("**Averaged with or without sign**")
            st.dataframe(_signs(s.signs), hide_index=True, alt="Spearman and top-k recall of both averages.")
        settings = ", ".join(f"{NAMES[m]} {setting}" for m, setting in s.settings().items())
        st.caption(plain(f"Best settings: {settings}. Pairs: {', '.join(s.summary['pairs'])}."))
    about("study")


def _agreement(s: KeptStudy) -> pd.DataFrame:
    found = s.agreements().items()
    return pd.DataFrame([_agreement_row(NAMES[method], a["spearman"], a["recall"]) for method, a in found])


def _signs(table: pd.DataFrame) -> pd.DataFrame:
    top = {c: c.removeprefix("top_") for c in table if c.startswith("top_")}
    return pd.DataFrame(
        [
            _agreement_row(f"{NAMES[r['method']]}, {r['score']}", r["spearman"], {k: r[c] for c, k in top.items()})
            for r in table.to_dict("records")
        ]
    )


def _agreement_row(estimate: str, spearman: float | None, recall: dict[str, float]) -> dict[str, str]:
    row = {"estimate": estimate, "Spearman": "–" if spearman is None else f"{spearman:.3f}"}
    return row | {f"top {count(int(k))}": f"{share:.0%}" for k, share in recall.items()}


def _bounds(s: KeptStudy) -> None:
    def bounds(mode: Theme) -> object:
        return bound_curves(s.bound, unit="logits", theme=mode)

    st.subheader("How large an effect the bound allows", anchor=False)
    draw(
        bounds(theme()), key=f"study_bounds_{s.name}", alt="Bound on the largest effect not verified, and the true one."
    )
    export_row(bounds, [], lambda: s.bound, key=f"study_bounds_{s.name}", name=f"bound-{s.name}")
