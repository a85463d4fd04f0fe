"""Missed nodes, seen: what a repair raises above plain AtP, and why AtP missed it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.figures.numbers import number
from core.figures.style import NAMES, Theme
from core.figures.trust.failures import attention_change, parts_by_block, rescues
from core.patching.missed.findings import REPAIRS, Candidate, Failures, Repair
from core.patching.place import short
from core.prompts.show import visible
from ui.parts.about import about as popover
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.shell.messages import plain
from ui.trust.missed import asked

WHY: dict[Repair, str] = {
    "atp-qk": "Saturation: the softmax that the gradient sees as flat",
    "atp-graddrop": "Cancellation: a small difference of large parts",
}


def missed(found: Failures, about: dict[str, str], name: str) -> None:
    """One repair at a time: its candidates, and one of them in detail."""
    st.markdown(asked(about, found))
    first = next((r for r in REPAIRS if found.of(r)), REPAIRS[0])
    repair = st.segmented_control(
        "Repair", REPAIRS, default=first, required=True, format_func=WHY.__getitem__, key=f"missed_repair_{name}"
    )
    chosen = found.of(repair)
    if not chosen:
        st.info(f"{NAMES[repair]} ranks none of the {found.n_nodes} attention nodes twice as high as plain AtP does.")
        return
    st.markdown(_verdict(found, repair))
    metric, direction = about["metric"], about["direction"]

    def overview(mode: Theme) -> object:
        return rescues(found, repair, metric=metric, direction=direction, theme=mode)  # type: ignore[arg-type]

    draw(overview(theme()), key=f"missed_{name}_{repair}", alt=f"Candidates of {NAMES[repair]}: magnitudes.")
    table = found.table(repair)
    export_row(overview, [], lambda: table, key=f"missed_{name}_{repair}", name=f"missed-{repair}")
    popover("missed")
    index = st.selectbox(
        "Node in detail",
        range(len(chosen)),
        format_func=lambda i: _name(chosen[i], found),
        key=f"missed_node_{name}_{repair}",
    )
    _detail(chosen[index], found, about, f"{name}_{repair}_{index}")


def _verdict(found: Failures, repair: Repair) -> str:
    """What was seen, in words."""
    chosen = found.of(repair)
    rescued = [c for c in chosen if c.rescued]
    if not rescued:
        return (
            f"None of the {len(chosen)} nodes that {NAMES[repair]} raises most is larger than plain AtP said: on this "
            "pair the repair only raises false alarms."
        )
    best = max(rescued, key=lambda c: abs(c.exact))
    return (
        f"**{len(rescued)} of {len(chosen)}** nodes that {plain(NAMES[repair])} raises most are nearer to it than to "
        f"plain AtP when really patched. The largest of them, {plain(short(best.node))} at "
        f"{plain(visible(found.tokens[best.node.position or 0]))}, has an effect of {number(best.exact)}; AtP says "
        f"{number(best.score['atp'])} and ranks it {best.rank['atp']}, {plain(NAMES[repair])} ranks it "
        f"{best.rank[repair]}, {plain(NAMES['atp-star'])} {best.rank['atp-star']}."
    )


def _name(c: Candidate, found: Failures) -> str:
    token = visible(found.tokens[c.node.position or 0])
    return f"{short(c.node)} at {token} ({c.node.position})" + ("" if c.rescued else ", false alarm")


def _detail(c: Candidate, found: Failures, about: dict[str, str], key: str) -> None:
    metric, direction = about["metric"], about["direction"]

    def change(mode: Theme) -> object:
        return attention_change(c, found, theme=mode)

    def parts(mode: Theme) -> object:
        return parts_by_block(c, metric=metric, direction=direction, theme=mode)  # type: ignore[arg-type]

    with st.grid(min_column_width=420, gap="medium"):
        if c.row is not None:
            with st.container():
                st.markdown("**Its attention before and after**")
                draw(change(theme()), key=f"row_{key}", alt="One row of attention before and after the patch.")
                export_row(change, [], lambda: _row_table(c, found), key=f"row_{key}", name="attention-change")
        with st.container():
            st.markdown("**Its effect, directly and through later blocks**")
            draw(parts(theme()), key=f"parts_{key}", alt="Parts of the effect by later block.")
            export_row(parts, [], lambda: _parts_table(c), key=f"parts_{key}", name="parts-of-effect")


def _row_table(c: Candidate, found: Failures) -> pd.DataFrame:
    assert c.row is not None
    keys = range(len(c.row.before))
    return pd.DataFrame(
        {
            "key": keys,
            "token": [found.tokens[i] for i in keys],
            "before": c.row.before,
            "after": c.row.after,
            "by_gradient": c.row.tangent,
        }
    )


def _parts_table(c: Candidate) -> pd.DataFrame:
    layers = ["direct", *map(str, c.parts.layers), "whole"]
    exact = [c.parts.direct, *c.parts.through, c.parts.total]
    return pd.DataFrame({"through": layers, "exact": exact, "by_gradient": [None, *c.estimated, None]})
