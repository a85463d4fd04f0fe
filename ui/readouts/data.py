"""What the Readouts page shows: tables read from the loaded model, or those that come with the app."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import streamlit as st

from core.paths import ASSETS
from core.prompts.pairs import TokenPair
from ui.parts.looks import ask_model
from ui.shell.models import ModelChoice

KEPT = ASSETS / "readouts" / "ioi_abba"
MOST_PAIRS = 32
RunName = Literal["clean", "corrupt"]


@dataclass(frozen=True, eq=False)
class Direct:
    """A direct table, and the largest difference of a pair's parts' sum from its logit difference."""

    table: pd.DataFrame
    residue: float


def direct(choice: ModelChoice, pairs: tuple[TokenPair, ...], run: RunName, *, last: bool = True) -> Direct | None:
    """Parts of the logit difference of these pairs, or None while they are read."""

    def read(model: Any) -> Direct:
        from core.readouts.tables import direct_table

        return Direct(*direct_table(model, pairs, run=run, last=last))

    return ask_model(choice, f"direct {run} {last} {_digest(*pairs)}", "Direct logit attribution", read)


def lens(choice: ModelChoice, pair: TokenPair, run: RunName) -> pd.DataFrame | None:
    """The logit lens of one pair as a table, or None while it is read."""

    def read(model: Any) -> pd.DataFrame:
        from core.readouts.tables import lens_table

        return lens_table(model, [pair], run=run)

    return ask_model(choice, f"lens {run} {_digest(pair)}", "Logit lens", read)


def words(choice: ModelChoice, pair: TokenPair, layer: int, head: int) -> Any | None:
    """``HeadWords``, or None while they are read."""

    def read(model: Any) -> Any:
        from core.readouts.head_words import head_words

        return head_words(model, pair, layer, head)

    return ask_model(choice, f"words {layer} {head} {_digest(pair)}", "The head in words", read)


def sources(choice: ModelChoice, pair: TokenPair, layer: int, head: int, run: RunName) -> Any | None:
    """A head's part by query and attended token ``[query, key]``, or None while it is read."""

    def read(model: Any) -> Any:
        from core.readouts.direct import head_sources

        return head_sources(model, [pair], layer, head, run=run)[0]

    return ask_model(choice, f"sources {layer} {head} {run} {_digest(pair)}", "Where the head's part comes from", read)


def neurons(choice: ModelChoice, pairs: tuple[TokenPair, ...], layer: int, run: RunName) -> Any | None:
    """Mean parts of a layer's neurons ``[unit]`` at the last position, or None while they are read."""

    def read(model: Any) -> Any:
        from core.readouts.direct import neuron_effects

        return neuron_effects(model, pairs, layer, run=run, last=True)[:, 0].mean(0)

    return ask_model(choice, f"neurons {layer} {run} {_digest(*pairs)}", "Neurons of the MLP", read)


@st.cache_resource(show_spinner=False)
def kept() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The direct and the lens table that come with the app."""
    # Tokens such as "None" are texts; layer and head are empty for the embedding and the biases.
    texts = {"token": str, "top": str, "pair": str}
    numbers = {"layer": "Int64", "head": "Int64"}
    empty = {name: [""] for name in numbers}
    direct = pd.read_csv(KEPT / "direct.csv", dtype=texts | numbers, keep_default_na=False, na_values=empty)
    return direct, pd.read_csv(KEPT / "lens.csv", dtype=texts, keep_default_na=False)


def _digest(*pairs: TokenPair) -> str:
    ids = [(pair.clean_ids, pair.corrupt_ids, pair.answer_id, pair.distractor_id) for pair in pairs]
    return hashlib.sha256(repr(ids).encode()).hexdigest()[:16]
