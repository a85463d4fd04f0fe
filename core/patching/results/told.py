"""What a screen says of itself, in words: which numbers are exact, and what could still be missed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.patching.nodes import by_family
from core.patching.place import Node, short
from core.patching.results.ranking import ranking
from core.patching.results.result import AttributionResult
from core.patching.results.screened import Screened
from core.terms import NODE_KINDS, Average

FAMILY_WORDS = {"attention": "attention nodes", "neurons": "neurons", "writes": "whole writes"}
AVERAGE_WORDS: dict[Average, str] = {
    "signed": "the magnitude of their mean over pairs",
    "magnitude": "their mean magnitude over pairs",
}
CONFIDENCE = 0.99


def screen_lines(result: AttributionResult, name: str) -> list[str]:
    """One sentence a family on what was verified, and one on what could still be missed; empty: it is no screen.

    Args:
        name: of the estimate.
    """
    lines = []
    for part in result.screened:
        lines += [_verified(result, part, name), _missed(result, part)]
    return [line for line in lines if line]


def notes_of(result: AttributionResult, average: Average | None = None) -> tuple[str, ...]:
    """What a caption must add for this result: that it is only a part of a run, and what ranked.

    Args:
        average: what ranks the nodes of the figure, where it ranks any.
    """
    notes = [f"Not finished: {result.partial}."] if result.partial else []
    if average is not None and result.spec.method != "exact" and result.spec.signed and len(result.pairs) > 1:
        notes.append(f"Ranked by {AVERAGE_WORDS[average]}.")
    return tuple(notes)


def largest_lines(result: AttributionResult, *, average: Average, top: int = 5) -> list[str]:
    """The largest nodes of each family in numbers, one line a family; positions are collapsed to the strongest one."""
    lines = []
    for kinds in by_family(result.spec.nodes).values():
        table = ranking(result, kinds, rng=np.random.default_rng(0), top=top, positions="strongest", average=average)
        source = table["source"] if "source" in table else [""] * len(table)
        named = [
            f"{short(_node(row))} {row['mean']:.3g}" + f" ({where})" * bool(where)
            for (_, row), where in zip(table.iterrows(), source)
        ]
        lines.append(f"largest: {', '.join(named)}")
    return lines


def _where(result: AttributionResult, part: Screened) -> str:
    """``Exact: the first 50 of 1 335 attention nodes ...``."""
    length = len(result.pairs[part.pairs[0]].tokens)
    some = len(part.pairs) < len(result.pairs)
    pairs = f"{_count(len(part.pairs))} {'pair' if len(part.pairs) == 1 else 'pairs'}"
    average = result.spec.screen.average if result.spec.screen else "signed"
    return (
        f"Exact: the first {_count(len(part.nodes))} of {_count(part.n_nodes)} {_family(result, part)}, each at "
        f"one token position, by {AVERAGE_WORDS[average]}"
        + (f" ({pairs} of {length} tokens; those of other lengths stay estimates)." if some else ".")
    )


def _verified(result: AttributionResult, part: Screened, name: str) -> str:
    return f"{_where(result, part)} The others are {name} estimates." if len(part.nodes) else ""


def _missed(result: AttributionResult, part: Screened) -> str:
    """What the bound says, with its assumption."""
    if len(part.nodes) == part.n_nodes:
        return "Nothing can be missed among them: all are exact."
    bound = part.bounds.get(CONFIDENCE)
    if bound is None:
        return ""
    others = _family(result, part)
    if bound == float("inf"):
        return f"Too few subsets were patched to bound the other {others}."
    sure = int((_magnitudes(result, part) > bound).sum())
    known = f"so the largest {_count(sure)} are certain" if sure > 1 else "so the largest is certain" if sure else ""
    return (
        f"Of the other {others} none has a mean effect beyond {bound:.3g}, at {100 * CONFIDENCE:g} % confidence "
        f"and if effects add up{', ' + known if known else ', which makes none of the verified ones certain'}."
    )


def _family(result: AttributionResult, part: Screened) -> str:
    """The family, and the kinds of it that were screened: ``attention nodes (z)``."""
    kinds = by_family(result.spec.nodes)[part.family]
    return FAMILY_WORDS[part.family] + ("" if part.family == "neurons" else f" ({', '.join(kinds)})")


def _magnitudes(result: AttributionResult, part: Screened) -> np.ndarray:
    """Magnitude of the mean exact effect of each verified node."""
    kinds = [kind for kind in NODE_KINDS if kind in part.kinds()]
    rows = [part.nodes.read({kind: result.effects[kind][i] for kind in kinds}) for i in part.pairs]
    return np.abs(np.mean(rows, axis=0))


def _node(row: pd.Series) -> Node:
    """The node that a row of a ranking stands for, its position collapsed."""
    return Node(row["node"], int(row["layer"]), None if pd.isna(row["head"]) else int(row["head"]))


def _count(n: int) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{n:,}".replace(",", "\u2009")
