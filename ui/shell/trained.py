"""Models that laboratories trained here, for every page: each lies in its run's folder, in models/<name>."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

from core.models.toy_folder import is_toy
from core.runs.entry import is_digest
from ui.shell.store import store

MODEL = "model"  # session key of the sidebar's choice
LINK = "trained"  # query parameter: the sidebar's own holds a name, from which nobody could find the model
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
_SEEN = "_trained_models"


def trained_id(digest: str, name: str) -> str:
    """The id under which a trained model is chosen, linked and remembered."""
    return f"{digest}.{name}"


def trained_folder(model_id: str) -> Path | None:
    """The folder of a trained model; None where the id names none."""
    digest, _, name = model_id.partition(".")
    if not (is_digest(digest) and _NAME.fullmatch(name)):
        return None
    run = store().lab(digest)
    folder = run / "models" / name if run is not None else None
    return folder if folder is not None and is_toy(folder) else None


def trained_name(model_id: str) -> str:
    """What to call a trained model: its run, and its own name."""
    digest, _, name = model_id.partition(".")
    entry = store().entry(digest)
    return f"{entry.name or entry.method} · {name}" if entry is not None else name


def trained_choices() -> list[str]:
    """Trained models for the sidebar: those chosen in this session before, and the one that is chosen now."""
    seen: list[str] = st.session_state.setdefault(_SEEN, [])
    wanted = st.session_state.get(MODEL)
    if wanted and wanted not in seen and trained_folder(wanted) is not None:
        seen.append(wanted)
    return [model_id for model_id in seen if trained_folder(model_id) is not None]
