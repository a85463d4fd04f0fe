"""The chosen node inside the model: where its head looks, and what it writes."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.figures.inside.attention import Shown, head_attention
from core.figures.numbers import number
from core.figures.style import Theme
from core.patching.place import Node
from core.patching.results.result import AttributionResult
from core.prompts.pairs import TokenPair
from core.prompts.show import difference_mask, visible
from core.terms import HEAD_KINDS
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.parts.looks import attention, model_behind, vocabulary
from ui.parts.tables import pattern_frame
from ui.shell.messages import plain


def attention_of(result: AttributionResult, node: Node) -> None:
    """The attention pattern of the node's head, on one pair."""
    if node.kind not in HEAD_KINDS or node.unit is None:
        return
    st.markdown("**Where its head looks**")
    choice = model_behind(result.spec)
    if choice is None:
        return
    pair = choose_pair(result, key="inspect_pair")
    head = _query_head(result, node)
    patterns = attention(choice, pair, (node.layer,))
    if patterns is None:
        return
    shown: Shown = "clean" if result.spec.direction == "noising" else "corrupt"
    tokens = patterns.clean_tokens if shown == "clean" else patterns.corrupt_tokens
    differs = difference_mask(pair.clean_tokens, pair.corrupt_tokens)
    grid = patterns.pattern(shown)[0, head]

    def figure(mode: Theme) -> Any:
        title = f"Layer {node.layer}, head {head}"
        return head_attention(
            grid, tokens, layer=node.layer, head=head, shown=shown, differs=differs, theme=mode, title=title
        )

    draw(figure(theme()), key="inspect_attention", alt=f"Attention of layer {node.layer}, head {head}.")
    name = f"attention-L{node.layer}-H{head}"
    export_row(figure, [], lambda: pattern_frame(grid, tokens), key="inspect_attention", name=name)


def _query_head(result: AttributionResult, node: Node) -> int:
    """The query head to show; a kv head serves several, of which one is chosen."""
    group = result.shape.n_heads // result.shape.units(node.kind)
    heads = [(node.unit or 0) * group + i for i in range(group)]
    if group == 1:
        return heads[0]
    return st.selectbox("Query head that uses it", heads, key=f"query_head_{node.unit}")


def choose_pair(result: AttributionResult, *, key: str) -> TokenPair:
    """One of a result's pairs."""
    runs = result.pairs
    index = st.selectbox(
        "Pair",
        range(len(runs)),
        format_func=lambda i: f"{runs[i].tokens.label}: {visible(''.join(runs[i].tokens.clean_tokens))}"[:90],
        key=key,
    )
    return runs[index].tokens


def written_by(result: AttributionResult, node: Node) -> None:
    """The tokens that the node's write makes likelier and less likely."""
    if node.kind in ("q", "k"):
        return
    st.markdown("**What it writes, in tokens**")
    choice = model_behind(result.spec) if node.kind not in HEAD_KINDS else _quietly(result)
    if choice is None:
        return
    run = result.pairs[st.session_state.get("inspect_pair") or 0].tokens
    base = run.clean_tokens if result.spec.direction == "noising" else run.corrupt_tokens
    last = len(base) - 1
    default = last if node.position is None else min(node.position, last)
    position = st.selectbox(
        "At",
        range(len(base)),
        index=default,
        format_func=lambda i: f"{i}: {visible(base[i])}",
        key=f"writes_at_{node.key}",
    )
    readout = vocabulary(choice, run, node, position, result.spec.direction)
    if readout is None:
        return
    promoted, suppressed = st.columns(2)
    for column, name, rows in (
        (promoted, "likelier", readout.promoted),
        (suppressed, "less likely", readout.suppressed),
    ):
        table = {"token": [visible(token) for token, _ in rows], name: [number(value, sign=True) for _, value in rows]}
        column.dataframe(table, hide_index=True, alt=f"Tokens that the write makes {name}.")
    st.caption(plain(readout.caption))


def _quietly(result: AttributionResult):
    """The model, where the attention figure beside this one has already said what is missing."""
    from ui.shell.models import slot
    from ui.shell.state import model_choice

    facts = slot().facts(model_choice())
    same = facts is not None and (facts.model_id, facts.revision) == (result.spec.model, result.spec.revision)
    return model_choice() if same else None
