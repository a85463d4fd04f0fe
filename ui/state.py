"""What one browser session has chosen, and its mirror in the address bar.

Widgets that only change a view bind their own query parameters. Two things are chosen by more than one widget and
are kept here: the pair set (``?pairs=``, a bundled set's id or a digest) and the results on show (``?result=``,
digests parted by commas).
"""

from __future__ import annotations

import streamlit as st

from core.errors import ResultError, UserError
from core.prompts.bundled import BUNDLED, load_bundled
from core.prompts.pairs import PairSet
from ui.resources import ModelChoice
from ui.store import is_digest, load_pairs, save_pairs

MAX_RESULTS = 12


def adopt_link() -> None:
    """Take over what the address bar names, then write what is current back into it. Call once a rerun."""
    given = {name: st.query_params.get(name) for name in ("pairs", "result")}
    if given["pairs"] and given["pairs"] != st.session_state.get("_pairs_id"):
        _adopt_pairs(given["pairs"])
    if given["result"] and given["result"] != ",".join(shown_results()):
        _adopt_results(given["result"])
    _mirror()


def pairs_id() -> str:
    """The current pair set's name in links: a bundled id, or a digest."""
    return st.session_state.get("_pairs_id") or BUNDLED[0].id


def current_pairs() -> PairSet:
    """The chosen pair set; the first bundled one until something else is chosen."""
    if "_pairs" not in st.session_state:
        st.session_state["_pairs"] = load_bundled(pairs_id())
    return st.session_state["_pairs"]


def choose_pairs(pairs: PairSet, *, bundled_id: str | None = None) -> None:
    """Make a pair set the current one; sets of one's own are kept by digest, so that links find them."""
    st.session_state["_pairs"] = pairs
    st.session_state["_pairs_id"] = bundled_id or save_pairs(pairs)
    _mirror()


def shown_results() -> tuple[str, ...]:
    """Digests of the results on show, stored, running or failed."""
    return st.session_state.get("_results", ())


def show_results(digests: tuple[str, ...]) -> None:
    """Put these results on show."""
    st.session_state["_results"] = tuple(dict.fromkeys(digests))[:MAX_RESULTS]
    _mirror()


def link_problem() -> UserError | None:
    """What was wrong with the link this page was opened by, told once."""
    return st.session_state.pop("_link_problem", None)


def model_choice() -> ModelChoice:
    """The model as the sidebar has it."""
    return ModelChoice(
        model_id=st.session_state.get("_model_id") or ModelChoice().model_id,
        device=st.session_state.get("device") or "auto",
        dtype=st.session_state.get("dtype") or "auto",
    )


def _adopt_pairs(given: str) -> None:
    try:
        bundled = given in {entry.id for entry in BUNDLED}
        st.session_state["_pairs"] = load_bundled(given) if bundled else load_pairs(given)
        st.session_state["_pairs_id"] = given
    except UserError as error:
        st.session_state["_link_problem"] = error


def _adopt_results(given: str) -> None:
    digests = tuple(given.split(","))
    if all(map(is_digest, digests)) and len(digests) <= MAX_RESULTS:
        st.session_state["_results"] = digests
    else:
        st.session_state["_link_problem"] = ResultError(
            "The link does not name a result.", next_step="Ask for it again, or start from the pages above."
        )


def _mirror() -> None:
    """The address bar names what is current, and nothing that could not be read."""
    wanted = {"pairs": st.session_state.get("_pairs_id"), "result": ",".join(shown_results())}
    for name, value in wanted.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)
