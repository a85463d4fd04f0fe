"""Missed nodes of three pairs, kept as examples: the default model on the study's IOI pair, and both constructed
models, in which AtP fails by construction."""

from __future__ import annotations

from benchmarks.atp_study.contests import KEPT, one_pair
from core.export.trust.failures import write_failures
from core.models.load import LoadedModel
from core.patching.missed.constructed import cancelling, saturated
from core.patching.missed.failures import find_failures
from core.patching.question import ask
from core.prompts.pairs import TokenPair
from core.terms import HEAD_KINDS


def run(model: LoadedModel) -> None:
    """Find and keep them."""
    (pair,) = one_pair(model, "ioi")
    _keep("ioi", model.card.name, model, pair)
    _keep("saturated", "Constructed model with a saturated head", *saturated())
    _keep("cancelling", "Constructed model with two paths that cancel", *cancelling())


def _keep(name: str, title: str, model: LoadedModel, pair: TokenPair) -> None:
    question = ask(model, (pair,), kinds=HEAD_KINDS, metric="logit_diff", direction="noising")
    folder = KEPT / "missed" / name
    folder.mkdir(parents=True, exist_ok=True)
    about = {"model": title, "metric": "logit_diff", "direction": "noising"}
    write_failures(find_failures(question), about, folder)
