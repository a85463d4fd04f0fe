"""Parts of the Multiple choice page that look inside heads: where they look, their subspaces, mutations."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.figures.style import Theme
from core.labs.multiple_choice.figures import heads as figures
from core.labs.multiple_choice.folder import Stored
from core.labs.multiple_choice.names import JOINT, RANK
from ui.labs.multiple_choice.parts import choice, place

SHOWN = 8
PARTS = {"Queries and keys": "q+k", "Queries": "q", "Keys": "k", "Values": "v"}
MEASURES = {"Right answers": "accuracy", "Recovered loss": "recovered", "Loss": "loss"}
PLAIN_MEASURES = {"Loss": "loss", "Right answers": "accuracy"}
SPACES = {"SVD": "svd", "Means of the places": "means"}
ON = {"Held-out questions": "held out", "Questions fitted on": "fitted"}
SEPARATE = 0.5


def heads(name: str, study: Stored) -> None:
    """Where heads look, by category."""
    nodes, table = study.tables["nodes"], study.tables["looks"]
    only = nodes[nodes["head"].notna()]
    counts = only.category.value_counts()
    words = ", ".join(f"{n} {category}" for category, n in counts.items())
    st.markdown(f"Of {len(only)} heads: {words}.")
    layers = sorted(only.layer.unique())
    picked = st.selectbox("Heads", ["Those that matter most", *(f"Layer {layer}" for layer in layers)], key="mc_heads")
    mine = _chosen(study) if picked not in [f"Layer {layer}" for layer in layers] else None
    if mine is None:
        mine = only[only.layer == int(picked.split()[1])].sort_values("head")
    chosen = [(int(row.layer), int(row["head"]), str(row.category)) for _, row in mine.head(16).iterrows()]
    data = table.merge(mine[["layer", "head", "category"]], on=["layer", "head"])

    def figure(mode: Theme) -> Any:
        return figures.looks(table, chosen, n=study.summary["prompts"], theme=mode)

    place(figure, lambda: data, key="mc_looks", name=f"{name}-looks", alt="Where each head looks.", which="Heads")


def _chosen(study: Stored) -> pd.DataFrame:
    """Heads with the largest effects, direct or total, by category."""
    nodes, effects = study.tables["nodes"], study.tables["effects"]
    total = effects[(effects.ablation == "resample") & (effects.path == "total") & (effects.metric == "loss")]
    cost = total.set_index("node").effect
    mine = nodes[nodes["head"].notna()].copy()
    mine["weight"] = mine.net_direct.abs().rank() + cost[mine.node].abs().rank().to_numpy()
    return mine.nlargest(SHOWN, "weight").sort_values(["category", "layer", "head"])


def subspaces(name: str, study: Stored) -> None:
    """Recovered loss over rank with its controls, and the scatter."""
    ranks, points, separation = (study.tables[key] for key in ("ranks", "points", "separation"))
    sets = list(dict.fromkeys(ranks.heads))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Heads", sets, index=_first(study, sets), format_func=_set_name, key="mc_set", width=260)
        parts = choice("Restricted", PARTS, "mc_parts")
        measure = choice("Measure", MEASURES, "mc_measure")
        on = choice("On", ON, "mc_on")
    st.markdown(_rank_words(ranks, chosen, parts, on))
    place(
        lambda mode: figures.rank_curves(ranks, heads=chosen, parts=parts, on=on, measure=measure, theme=mode),
        lambda: ranks[(ranks.heads == chosen) & (ranks.parts == parts) & (ranks["on"] == on)],
        key="mc_ranks",
        name=f"{name}-ranks",
        alt="What is left by rank of the subspace.",
        which="Subspaces",
    )
    singles = [head for head in sets if head != JOINT]
    st.subheader("Are queries and keys grouped by option?", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = singles.index(chosen) if chosen in singles else len(singles) - 1
        head = st.selectbox("Head", singles, index=first, key=f"mc_head_{chosen}", width=200)
        fit = choice("Directions", SPACES, "mc_space")
    st.markdown(_separation_words(separation, head, fit, study.summary["heads"][head]))
    place(
        lambda mode: figures.scatter(points, separation, head=head, fit=fit, theme=mode),
        lambda: points[(points["head"] == head) & (points.fit == fit)],
        key="mc_scatter",
        name=f"{name}-scatter",
        alt="Queries and keys in three directions.",
    )


def _first(study: Stored, sets: list[str]) -> int:
    """The studied head with the largest net direct effect."""
    nodes = study.tables["nodes"].set_index("node")
    effects = [nodes.net_direct[head] if head != JOINT else float("-inf") for head in sets]
    return effects.index(max(effects))


def _set_name(name: str) -> str:
    return "All studied heads together" if name == JOINT else name


def _rank_words(ranks: pd.DataFrame, heads: str, parts: str, on: str) -> str:
    mine = ranks[(ranks.heads == heads) & (ranks.parts == parts) & (ranks["on"] == on)]

    def at(fit: str, rank: int) -> float:
        return float(mine[(mine.fit == fit) & (mine["rank"] == rank)].accuracy.mean())

    enough = mine[(mine.fit == "svd") & (mine.accuracy >= 0.95)]["rank"].min()
    rest = f"{int(enough)} SVD directions keep 95 % right." if pd.notna(enough) else "No rank tried keeps 95 % right."
    return (
        f"In {RANK} directions {at('svd', RANK):.0%} of the prompts stay right (SVD) or {at('means', RANK):.0%} (means "
        f"of the places); random directions {at('random', RANK):.0%}, shuffled places "
        f"{at('shuffled', RANK):.0%}. {rest}"
    )


def _separation_words(separation: pd.DataFrame, head: str, fit: str, site: str) -> str:
    mine = separation[(separation["head"] == head) & (separation.fit == fit)].set_index("part")
    found = mine.held_out
    both = min(found["q"], found["k"]) > SEPARATE
    verdict = (
        "Both are grouped by option, as the paper reports of Chinchilla's correct letter heads."
        if both
        else "The paper's picture, queries and keys both grouped by option, does not appear in this head."
    )
    return (
        f"Held-out queries lie nearest to their own place's mean in {found['q']:.0%}, keys (at each option's {site} "
        f"token) in {found['k']:.0%}, values in {found['v']:.0%}; chance is 25 %. {verdict} Of the queries' variance "
        f"{mine.by_place['q']:.2%} lies between right places and {mine.by_question['q']:.0%} between questions (each "
        "asked with every place right)."
    )


def mutations(name: str, study: Stored) -> None:
    """Loss by mutation, unpatched, low rank, random, ablated."""
    table = study.tables["mutations"]
    measure = choice("Measure", PLAIN_MEASURES, "mc_bars")
    heads_named = ", ".join(study.summary["heads"])
    if study.has_heads:
        st.markdown(_mutation_words(table))
    place(
        lambda mode: figures.mutation_bars(table, measure=measure, rank=RANK, heads=heads_named, theme=mode),
        lambda: table,
        key="mc_mutations",
        name=f"{name}-mutations",
        alt="Loss and accuracy under every mutation.",
        which="Mutations",
    )


def _mutation_words(table: pd.DataFrame) -> str:
    order = list(dict.fromkeys(table.mutation))
    right = table.pivot(index="mutation", columns="version", values="accuracy").loc[order]
    failing = [name for name in right.index if right.full[name] < SEPARATE]
    better = [
        name for name in right.index if name not in failing and right["low rank"][name] > right.random[name] + 0.05
    ]
    others = [name for name in right.index if name not in failing and name not in better]
    text = f"Low rank beats random directions by more than 5 points of accuracy under {_listed(better)}"
    text += f", not under {_listed(others)}." if others else "."
    return text + (f" The unpatched model itself fails under {_listed(failing)}." if failing else "")


def _listed(names: list[str]) -> str:
    return ", ".join(names) if names else "none of the mutations"
