"""The prompt sets that come with the app, each solved pair by pair by the model that it was made for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import PromptError
from core.models.catalogue import DEFAULT
from core.paths import ASSETS
from core.prompts.pairs import PairSet
from core.prompts.parse import parse_pairs

PAIRS_FOLDER = ASSETS / "pairs"


@dataclass(frozen=True)
class BundledSet:
    """One bundled behaviour: what to call it, the question it lets a person ask, where its pairs are, and the
    catalogue id of the model that solves them."""

    id: str
    title: str
    question: str
    file: Path
    model: str = DEFAULT


BUNDLED = tuple(
    BundledSet(id, title, question, PAIRS_FOLDER / f"{id}.csv")
    for id, title, question in (
        (
            "ioi_abba",
            "Indirect object, named first",
            "Two people are named and the second one gives: how does the model know that the first one receives?",
        ),
        (
            "ioi_baba",
            "Indirect object, named second",
            "Two people are named and the first one gives: how does the model know that the second one receives?",
        ),
        (
            "greater_than",
            "Later year",
            "A stretch of time has a first year: how does the model keep the last year from coming before it?",
        ),
        (
            "agreement",
            "Subject and verb",
            "How does the verb learn whether its subject is one or many, also past another noun?",
        ),
        ("capitals", "Capital cities", "Where does the model look up the capital of the country it has read?"),
        ("pronouns", "Pronouns", "How does a role such as king or queen decide between he and she?"),
    )
) + (
    BundledSet(
        "corner_cheese",
        "Cheese here or there",
        "For the corner agent: the cheese lies here or there, and the mouse goes another way. Which heads read it?",
        PAIRS_FOLDER / "corner_cheese.csv",
        model="corner-agent",
    ),
)


def load_bundled(id: str) -> PairSet:
    """The pairs of a bundled set.

    Raises:
        PromptError: if there is no such set.
    """
    for bundled in BUNDLED:
        if bundled.id == id:
            return parse_pairs(bundled.file.read_bytes(), filename=bundled.file.name).or_raise()
    known = ", ".join(bundled.id for bundled in BUNDLED)
    raise PromptError(f"There is no bundled set {id!r}.", next_step=f"Choose among {known}.")
