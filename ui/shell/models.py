"""Models as pages see them: which are offered, the one that is loaded, what is known of each, pairs in its tokens."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import ModelError
from core.models.catalogue import CATALOGUE, DEFAULT, Entry
from core.progress import OnLoad
from core.prompts.align import MAX_TOKENS, AlignedPairs, align
from core.prompts.pairs import PairSet
from core.prompts.tokens import token_texts
from core.runs.worker import Job, OnStep
from ui.shell.libraries import read_libraries
from ui.shell.trained import trained_folder, trained_name
from ui.shell.worker import SERVER, worker

if TYPE_CHECKING:
    from core.models.load import LoadedModel

LIBRARIES = ("torch", "transformers", "core.runs.execute")  # each needs those before it
DEVICES = ("auto", "cpu", "cuda")
DTYPES = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class ModelChoice:
    """A model as a person asks for it."""

    model_id: str = DEFAULT
    device: str = "auto"
    dtype: str = "auto"

    @property
    def name(self) -> str:
        """The catalogue's name, or the id itself."""
        named = next((entry.name for entry in CATALOGUE if entry.id == self.model_id), self.model_id)
        return trained_name(named) if trained_folder(named) is not None else named


@dataclass(frozen=True)
class ModelFacts:
    """What pages need to know of a loaded model, without its weights."""

    model_id: str
    revision: str
    card: Any
    shape: Any
    tokenizer: Any
    max_tokens: int
    speed: float  # block-tokens a second, see core.patching.cost


class ModelSlot:
    """Holds one loaded model. ``get`` is called in the worker thread only; ``facts`` by anyone."""

    def __init__(self) -> None:
        self._loaded: tuple[ModelChoice, LoadedModel] | None = None
        self._facts: dict[ModelChoice, ModelFacts] = {}

    def get(self, choice: ModelChoice, on_step: OnLoad | None = None) -> LoadedModel:
        """The chosen model, loaded if it is not; the one before stays until the new one is there."""
        if self._loaded is None or self._loaded[0] != choice:
            _check_allowed(choice)
            read_libraries(LIBRARIES, on_step)
            from core.models.load import load_model

            _settle_memory()
            trained = trained_folder(choice.model_id)
            model = load_model(
                choice.model_id, device=choice.device, dtype=choice.dtype, location=trained, on_step=on_step
            )
            self._facts[choice] = _facts(model)
            self._loaded = (choice, model)
            _settle_memory()
        return self._loaded[1]

    def facts(self, choice: ModelChoice) -> ModelFacts | None:
        """What is known of a choice that was loaded before."""
        return self._facts.get(choice)


def _settle_memory() -> None:
    """Free what a former model left, and keep what is there now out of later garbage collections.

    Streamlit collects after every rerun. With torch in memory that holds the interpreter for a quarter of a second,
    several times a second while a page follows a run: the worker would hardly get a turn.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _facts(model: LoadedModel) -> ModelFacts:
    from core.patching.cost import measure_speed

    return ModelFacts(
        model_id=model.model_id,
        revision=model.revision,
        card=model.card,
        shape=model.shape,
        tokenizer=model.tokenizer,
        max_tokens=model.max_tokens,
        speed=measure_speed(model),
    )


@st.cache_resource(show_spinner=False)
def slot() -> ModelSlot:
    """The one place where a model is loaded."""
    return ModelSlot()


@st.cache_resource(show_spinner=False)
def tokenizer_lock() -> threading.Lock:
    """Held while a tokenizer is used: fast ones refuse to be used by two threads at once."""
    return threading.Lock()


def aligned(
    facts: ModelFacts,
    pairs: PairSet,
    *,
    trim: bool = False,
    first_token: bool = False,
    whole_answer: bool = False,
    rows: tuple[int, ...] | None = None,
    link: bool = False,
) -> AlignedPairs:
    """A pair set in the tokens of a model; kept, because every rerun of a page asks again."""
    options = (trim, first_token, whole_answer, link)
    return _aligned((facts.model_id, facts.revision), pairs.digest, options, rows, facts, pairs)


@st.cache_resource(max_entries=32, show_spinner=False)
def _aligned(
    model: tuple[str, str],
    digest: str,
    options: tuple[bool, bool, bool, bool],
    rows: tuple[int, ...] | None,
    _facts: ModelFacts,
    _pairs: PairSet,
) -> AlignedPairs:
    chosen = dict(zip(("trim", "first_token", "whole_answer", "link"), options))
    with tokenizer_lock():
        return align(_pairs, _facts.tokenizer, rows=rows, max_tokens=min(MAX_TOKENS, _facts.max_tokens), **chosen)


def prompt_tokens(facts: ModelFacts, text: str) -> tuple[str, ...]:
    """A prompt's tokens, for showing one that could not be aligned."""
    with tokenizer_lock():
        return token_texts(facts.tokenizer(text).input_ids, facts.tokenizer)


def load_key(choice: ModelChoice) -> str:
    """The worker's key for loading a model."""
    return f"load {choice}"


def load_job(choice: ModelChoice) -> Job:
    """Ask the worker to load a model."""
    models = slot()

    def task(on_step: OnStep, cancelled: Callable[[], bool]) -> None:
        models.get(choice, on_step)

    return worker().submit(load_key(choice), title=f"Load {choice.name}", task=task, owner=SERVER)


def sound_pairs(facts: ModelFacts, pairs: PairSet, *, whole_answer: bool = False) -> tuple[PairSet, AlignedPairs, int]:
    """The pairs of a set that this model can run, aligned, and how many it refuses."""
    found = aligned(facts, pairs, whole_answer=whole_answer)
    refused = len(pairs) - len(found.pairs)
    if not refused:
        return pairs, found, 0
    kept = PairSet(pairs.name, tuple(pairs.pairs[tokens.row] for tokens in found.pairs))
    return kept, aligned(facts, kept, whole_answer=whole_answer), refused


def offered_models() -> tuple[Entry, ...]:
    """The catalogue's models that this server lets people load: all, or those that CIRCUITARIUM_MODELS lists.

    The small ones that come with the app are always among them.
    """
    named = os.environ.get("CIRCUITARIUM_MODELS", "").replace(",", " ").split()
    return tuple(entry for entry in CATALOGUE if not named or entry.id in named or entry.source == "assets")


def _check_allowed(choice: ModelChoice) -> None:
    offered = choice.model_id in {entry.id for entry in offered_models()}
    if any_model_allowed() or offered or trained_folder(choice.model_id) is not None:
        return
    raise ModelError(
        "This server does not offer that model.", where=choice.model_id[:80], next_step="Choose one from the list."
    )


def any_model_allowed() -> bool:
    """Whether people may name hub ids and local paths; off unless the server was started so."""
    return os.environ.get("CIRCUITARIUM_ALLOW_ANY_MODEL") == "1"
