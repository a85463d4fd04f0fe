"""Summaries of stored results, kept by what was asked: a view control re-slices, it never runs anything.

Results are frozen and named by their digest (unfinished ones also by how much of them is there), so a name and a few
plain values make a whole cache key; arrays are never keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.patching.place import Node
from core.patching.results.compare import Comparison, compare
from core.patching.results.pooling import Collapse, Scale
from core.patching.results.ranking import Positions, by_pair, by_position, ranking
from core.patching.results.result import AttributionResult
from core.patching.results.summary import EffectTable, layer_by_head, layer_by_position
from core.terms import Average, Choice, NodeKind

SEED = 0  # of the bootstrap, so that an interval does not change from one look to the next


def head_table(result: AttributionResult, kind: NodeKind, **options: Any) -> EffectTable:
    """``summary.layer_by_head``, kept."""
    return _head_table(result.key, kind, tuple(sorted(options.items())), result)


def position_table(result: AttributionResult, kind: NodeKind, **options: Any) -> EffectTable:
    """``summary.layer_by_position``, kept."""
    return _position_table(result.key, kind, tuple(sorted(options.items())), result)


def top_nodes(
    result: AttributionResult,
    kinds: tuple[NodeKind, ...],
    *,
    top: int,
    scale: Scale,
    positions: Positions,
    n_tokens: int | None,
    average: Average,
) -> pd.DataFrame:
    """``ranking.ranking``, kept."""
    return _top_nodes(result.key, kinds, top, scale, positions, n_tokens, average, result)


def node_by_position(result: AttributionResult, node: Node, *, scale: Scale, n_tokens: int | None) -> pd.DataFrame:
    """``ranking.by_position``, kept."""
    return _node_by_position(result.key, node, scale, n_tokens, result)


def node_by_pair(
    result: AttributionResult, node: Node, *, scale: Scale, n_tokens: int | None, collapse: Collapse
) -> pd.DataFrame:
    """``ranking.by_pair``, kept."""
    return _node_by_pair(result.key, node, scale, n_tokens, collapse, result)


def comparison(
    estimate: AttributionResult,
    exact: AttributionResult,
    *,
    kinds: tuple[NodeKind, ...],
    scale: Scale,
    positions: Positions,
    n_tokens: int | None,
    average: Average,
) -> Comparison:
    """``compare.compare``, kept."""
    digests = (estimate.key, exact.key)
    return _comparison(digests, kinds, scale, positions, n_tokens, average, estimate, exact)


def stacked(tables: Mapping[Choice, pd.DataFrame]) -> pd.DataFrame:
    """Tables of several methods as one, with the method in front."""
    return pd.concat(tables.values(), keys=tables, names=["method", None]).reset_index("method").reset_index(drop=True)


def pattern_frame(pattern: np.ndarray, tokens: tuple[str, ...]) -> pd.DataFrame:
    """One head's attention ``[query, key]`` as rows: query, query_token, key, key_token, attention."""
    query, key = np.tril_indices(len(tokens))
    text = np.array(tokens, dtype=object)
    columns = {"query": query, "query_token": text[query], "key": key, "key_token": text[key]}
    return pd.DataFrame({**columns, "attention": pattern[query, key]})


@st.cache_resource(max_entries=128, show_spinner=False)
def _head_table(digest: str, kind: NodeKind, options: tuple, _result: AttributionResult) -> EffectTable:
    return layer_by_head(_result, kind, **dict(options))


@st.cache_resource(max_entries=128, show_spinner=False)
def _position_table(digest: str, kind: NodeKind, options: tuple, _result: AttributionResult) -> EffectTable:
    return layer_by_position(_result, kind, **dict(options))


@st.cache_resource(max_entries=128, show_spinner=False)
def _top_nodes(
    digest: str,
    kinds: tuple[NodeKind, ...],
    top: int,
    scale: Scale,
    positions: Positions,
    n_tokens: int | None,
    average: Average,
    _result: AttributionResult,
) -> pd.DataFrame:
    options: dict[str, Any] = {"scale": scale, "positions": positions, "n_tokens": n_tokens, "average": average}
    return ranking(_result, kinds, rng=np.random.default_rng(SEED), top=top, **options)


@st.cache_resource(max_entries=256, show_spinner=False)
def _node_by_position(
    digest: str, node: Node, scale: Scale, n_tokens: int | None, _result: AttributionResult
) -> pd.DataFrame:
    return by_position(_result, node, rng=np.random.default_rng(SEED), scale=scale, n_tokens=n_tokens)


@st.cache_resource(max_entries=256, show_spinner=False)
def _node_by_pair(
    digest: str, node: Node, scale: Scale, n_tokens: int | None, collapse: Collapse, _result: AttributionResult
) -> pd.DataFrame:
    return by_pair(_result, node, scale=scale, n_tokens=n_tokens, collapse=collapse)


@st.cache_resource(max_entries=64, show_spinner=False)
def _comparison(
    digests: tuple[str, str],
    kinds: tuple[NodeKind, ...],
    scale: Scale,
    positions: Positions,
    n_tokens: int | None,
    average: Average,
    _estimate: AttributionResult,
    _exact: AttributionResult,
) -> Comparison:
    options: dict[str, Any] = {"scale": scale, "positions": positions, "n_tokens": n_tokens, "average": average}
    return compare(_estimate, _exact, kinds=kinds, **options)
