"""What one browser session has chosen, and its mirror in the address bar.

Widgets that only change a view bind their own query parameters. What is chosen in more than one place is kept here:
the pair set (``?pairs=``, a bundled set's id or a digest), the results on show (``?result=``, digests parted by
commas), what ranks their nodes over pairs (``?average=``), the node inspected (``?node=``) and a model that a
laboratory trained (``?trained=``).
"""

from __future__ import annotations

import streamlit as st

from core.errors import ResultError, SpecError, UserError
from core.patching.place import Node
from core.prompts.bundled import BUNDLED, load_bundled
from core.prompts.pairs import PairSet
from core.runs.entry import is_digest
from core.terms import AVERAGES, Average
from ui.shell.models import ModelChoice
from ui.shell.store import load_pairs, save_pairs
from ui.shell.trained import LINK, MODEL, trained_folder, trained_id

MAX_RESULTS = 12
AVERAGE = "average"  # session key of what ranks estimates over pairs
NODE = "node"  # session key of the chosen node, shared by every figure and by the selectbox beside them


def adopt_link() -> None:
    """Take over what the address bar names, then write what is current back into it. Call once a rerun."""
    given = {name: st.query_params.get(name) for name in ("pairs", "result", "node", LINK)}
    if given[LINK] != st.session_state.get("_linked_model") and trained_folder(given[LINK] or "") is not None:
        st.session_state[MODEL] = given[LINK]
    if given["pairs"] and given["pairs"] != st.session_state.get("_pairs_id"):
        _adopt_pairs(given["pairs"])
    if given["result"] and given["result"] != ",".join(shown_results()):
        _adopt_results(given["result"])
        # A link of before there was a choice names none: it shows the numbers that it showed then.
        rule = st.query_params.get(AVERAGE, "magnitude")
        st.session_state[AVERAGE] = rule if rule in AVERAGES else "signed"
    if given["node"] and given["node"] != st.session_state.get("_linked_node"):
        st.session_state[NODE] = given["node"]
    mirror()


def pairs_id() -> str:
    """The current pair set's name in links: a bundled id, or a digest."""
    return st.session_state.get("_pairs_id") or BUNDLED[0].id


def current_pairs() -> PairSet:
    """The chosen pair set; the first bundled one until something else is chosen."""
    if "_pairs" not in st.session_state:
        st.session_state["_pairs"] = load_bundled(pairs_id())
    return st.session_state["_pairs"]


def pairs_title() -> str:
    """The current set's title: a bundled set's own, or the name it was given."""
    return next((entry.title for entry in BUNDLED if entry.id == pairs_id()), current_pairs().name)


def choose_pairs(pairs: PairSet, *, bundled_id: str | None = None) -> None:
    """Make a pair set the current one; sets of one's own are kept by digest, so that links find them."""
    st.session_state["_pairs"] = pairs
    st.session_state["_pairs_id"] = bundled_id or save_pairs(pairs)
    st.session_state.pop("_link_problem", None)
    stop_waiting()
    mirror()


def wait_for(name: str, why: str) -> None:
    """Remember that an uploaded file of pairs is not in use, until a set is chosen; for callbacks."""
    st.session_state["_waiting"] = f"{name} is not in use: {why}."


def stop_waiting() -> None:
    """Forget the file that waits; for callbacks."""
    st.session_state.pop("_waiting", None)


def waiting() -> str | None:
    """Which uploaded file waits, and for what."""
    return st.session_state.get("_waiting")


def shown_results() -> tuple[str, ...]:
    """Digests of the results on show, stored, running or failed."""
    return st.session_state.get("_results", ())


def show_results(digests: tuple[str, ...]) -> None:
    """Put these results on show."""
    st.session_state["_results"] = tuple(dict.fromkeys(digests))[:MAX_RESULTS]
    st.session_state.pop("_link_problem", None)
    mirror()


def average() -> Average:
    """What ranks the nodes of signed estimates over pairs."""
    return st.session_state.get(AVERAGE) or "signed"


def link_problem() -> UserError | None:
    """What was wrong with the link this page was opened by, until something else is chosen."""
    return st.session_state.get("_link_problem")


def chosen_node() -> Node | None:
    """The node that the inspector shows, if the session has a sensible one."""
    key = st.session_state.get(NODE)
    try:
        return Node.parse(key) if key else None
    except SpecError:
        return None


def choose_node(node: Node) -> None:
    """Make this the chosen node; for callbacks."""
    st.session_state[NODE] = node.key


def model_choice() -> ModelChoice:
    """The model as the sidebar has it."""
    return ModelChoice(
        model_id=st.session_state.get("_model_id") or ModelChoice().model_id,
        device=st.session_state.get("device") or "auto",
        dtype=st.session_state.get("dtype") or "auto",
    )


def use_trained(digest: str, name: str, pairs: PairSet) -> None:
    """Make a model that a laboratory trained the one that every page works with, on pairs that suit it; for callbacks.

    Args:
        digest: of the run. name: of the model's folder below the run's ``models``.
    """
    st.session_state[MODEL] = trained_id(digest, name)
    choose_pairs(pairs)


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


def mirror() -> None:
    """The address bar names what is current, and nothing that could not be read."""
    node, model = chosen_node(), st.session_state.get(MODEL)
    wanted = {
        "pairs": st.session_state.get("_pairs_id"),
        "result": ",".join(shown_results()),
        AVERAGE: average() if shown_results() else None,
        "node": node.key if node else None,
        LINK: model if trained_folder(model or "") is not None else None,
    }
    st.session_state["_linked_node"], st.session_state["_linked_model"] = wanted["node"], wanted[LINK]
    for name, value in wanted.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)
