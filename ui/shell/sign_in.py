"""Sign-in by an OpenID Connect provider, where the server's secrets name one; otherwise everybody may come in."""

from __future__ import annotations

import streamlit as st


def require() -> None:
    """Stop here until the visitor has signed in, if this server asks for it."""
    if not _configured():
        return
    if not st.user.is_logged_in:
        st.info("This server asks who you are before it shows anything.")
        st.button("Sign in", type="primary", on_click=st.login)
        st.stop()
    with st.sidebar:
        st.button("Sign out", on_click=st.logout)


def _configured() -> bool:
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False
