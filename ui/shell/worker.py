"""The one queue of this server, and who a browser session is in it."""

from __future__ import annotations

import threading
import uuid

import streamlit as st

from core.runs.worker import Worker

SERVER = "server"  # owns what outlives any session: loading a model
GRACE_SECONDS = 60.0


@st.cache_resource(show_spinner=False)
def worker() -> Worker:
    """The one queue of this server."""
    return Worker()


def _leave_later(name: str) -> None:
    """Withdraw a session that ended, unless its page was only reloaded: the new one joins its jobs meanwhile."""
    timer = threading.Timer(GRACE_SECONDS, worker().leave, (name,))
    timer.daemon = True
    timer.start()


@st.cache_resource(scope="session", show_spinner=False, on_release=_leave_later)
def session() -> str:
    """This browser session's name; its jobs are withdrawn when it ends."""
    return uuid.uuid4().hex
