"""The Circuit page: which run and which saved circuit are on show, and the ways to others."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.circuits.circuit import Circuit
from core.circuits.settings import LAB, CircuitSettings
from core.circuits.stored import CircuitRun, read_run
from core.errors import ResultError, UserError
from core.paths import ASSETS
from core.prompts.pairs import TokenPair
from core.runs.entry import is_digest
from core.runs.laboratory import LabSpec
from core.runs.recorded import LabCompute
from core.runs.worker import OnStep
from ui.parts.run_choice import RunChoice
from ui.shell.laboratory import follow_lab
from ui.shell.messages import show_error
from ui.shell.models import ModelChoice, ModelFacts, aligned, slot
from ui.shell.state import model_choice
from ui.shell.store import load_pairs, results_dir

KEPT = ASSETS / "circuits"
KEPT_TITLES = {"ioi_abba": "Indirect objects, SmolLM2-135M (kept with the app)"}
SAVED = "saved"  # query parameter
MOST_BYTES = 2**20  # of a circuit's file


def _kept() -> dict[str, str]:
    return {id: title for id, title in KEPT_TITLES.items() if (KEPT / id / "circuit.json").exists()}


RUNS = RunChoice(LAB, _kept, lambda id: KEPT / id, "Run", "circuit")


def show(name: str) -> None:
    """Put a run on show; for callbacks."""
    RUNS.show(name)
    st.query_params.pop(SAVED, None)


def choose_run() -> CircuitRun | None:
    """The run on show, with the control that changes it; while it is computed, its progress and None."""
    name, folder = RUNS.choose()
    if not name:
        st.info("No edges have been scored yet. Open the form above.")
        return None
    try:
        if folder is not None:
            return _read(str(folder))
        _progress(name)
    except UserError as error:
        show_error(error)
    return None


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(folder: str) -> CircuitRun:
    return read_run(Path(folder))


def _progress(digest: str) -> None:
    spec, choice = RUNS.spec(digest), model_choice()
    facts, wanted = slot().facts(choice), (spec.model, spec.settings["revision"], spec.settings["dtype"])
    if facts is None or (facts.model_id, facts.revision, facts.card.precision) != wanted:
        st.info("The run's model is not the loaded one; choose it in the sidebar to see or go on with the run.")
        return
    found = aligned(facts, load_pairs(spec.settings["pairs"]))
    follow_lab(spec, compute_of(spec, choice, found.pairs), items=len(found.pairs))


def spec_of(facts: ModelFacts, digest: str, title: str, settings: CircuitSettings) -> LabSpec:
    """The run of these settings on a pair set with the loaded model."""
    more = {"revision": facts.revision, "dtype": facts.card.precision, "pairs": digest}
    return LabSpec(LAB, f"Circuit: {title}"[:120], facts.model_id, {**more, "circuit": settings.to_json()})


def compute_of(spec: LabSpec, choice: ModelChoice, pairs: tuple[TokenPair, ...]) -> LabCompute:
    """What the worker does for a run."""
    models = slot()

    def compute(on_step: OnStep, cancelled: Callable[[], bool], scratch: Path, out: Path) -> None:
        from core.circuits.study import run_study

        settings = CircuitSettings.from_json(spec.settings["circuit"])
        model = models.get(choice)
        if model.revision != spec.settings["revision"]:
            raise ResultError("The model's weights are not those of the run.", next_step="Start a new run.")
        run_study(model, pairs, settings, out, scratch=scratch, on_step=on_step, cancelled=cancelled)

    return compute


def save(circuit: Circuit) -> str:
    """Keep a circuit on this server; its digest, under which links find it."""
    text = json.dumps(circuit.to_json(), ensure_ascii=False, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = _place(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{uuid.uuid4().hex}.json")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
    return digest


def load_saved(digest: str) -> Circuit:
    """A kept circuit.

    Raises:
        ResultError: nothing is kept under this digest.
    """
    path = _place(digest)
    if not is_digest(digest) or not path.exists():
        raise ResultError("The circuit that the link names is not on this server.", next_step="Open its JSON file.")
    return read_circuit(path.read_bytes())


def read_circuit(data: bytes) -> Circuit:
    """A circuit from a file.

    Raises:
        ResultError: it is none.
    """
    try:
        if len(data) > MOST_BYTES:
            raise ValueError("too large")
        return Circuit.from_json(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise ResultError(
            "The file is not a circuit.", next_step="Open a JSON file that the Circuit page saved."
        ) from error


def _place(digest: str) -> Path:
    return results_dir() / "circuits" / f"{digest}.json"
