"""A person's answers on this server: which question is next, where answers are kept, and what is learned from them."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import streamlit as st

from core.labs.similarity.answers.ensemble import Ensemble, next_question, train_ensemble
from core.labs.similarity.answers.record import CHOICES, UNDO, Answer, append, stored, triples
from core.labs.similarity.person import Person, simulated
from core.progress import OnStep
from core.runs.worker import Job
from core.worlds.listed.behaviours import Behaviours
from core.worlds.listed.catalogue import load_world
from ui.shell.store import results_dir
from ui.shell.worker import session, worker

BATCH = 5  # answers between two trainings
COMMON, COMMON_SEED = 5, 0  # every fifth question is the same for everybody, so that people can be compared
SHOWN = "_s_question"  # session key: question, and when it was first shown


@dataclass(frozen=True)
class Sitting:
    """Who answers about which world."""

    world: str
    rater: str

    @property
    def behaviours(self) -> Behaviours:
        return load_world(self.world)

    @property
    def seed(self) -> int:
        """Of this person's questions."""
        return zlib.crc32(self.rater.encode())

    def everybody(self) -> list[Answer]:
        """All answers about the world on this server."""
        return stored(answers_file(self.world), self.behaviours)

    def own(self) -> list[Answer]:
        """This person's answers, oldest first."""
        return [answer for answer in self.everybody() if answer.rater == self.rater]


def answers_file(world: str) -> Path:
    """Where everybody's answers about a world lie."""
    return results_dir() / "similarity" / f"{world}-answers.csv"


def question(who: Sitting, answered: int, disputed: Ensemble | None) -> tuple[int, int, int]:
    """The question to show now; it stays until it is answered, and the clock runs from when it was first shown."""
    shown = st.session_state.get(SHOWN)
    if shown is None or shown[0] != (who, answered):
        common = (answered + 1) % COMMON == 0
        seed, choice = (COMMON_SEED, None) if common else (who.seed, disputed)
        asked = next_question(who.behaviours, answered, seed, disputed=choice)
        shown = st.session_state[SHOWN] = ((who, answered), asked, time.monotonic())
    return shown[1]


def answer(who: Sitting, choice: str) -> None:
    """Keep an answer to the question on show; for buttons."""
    shown = st.session_state.get(SHOWN)
    if shown is None or shown[0][0] != who:
        return
    spent = round(1000 * (time.monotonic() - shown[2]))
    append(Answer(shown[0][1] + 1, shown[1], choice, spent, who.rater, _now()), answers_file(who.world))
    st.session_state.pop(SHOWN)


def undo(who: Sitting) -> None:
    """Take this person's last answer back; for a button."""
    if own := who.own():
        append(replace(own[-1], choice=UNDO, milliseconds=0, time=_now()), answers_file(who.world))
        st.session_state.pop(SHOWN, None)


def take_in(world: str, answers: list[Answer]) -> None:
    """Add answers from a file to those that are here."""
    for one in answers:
        append(one, answers_file(world))


def clear(answers: list[Answer]) -> list[Answer]:
    """Those that name a pair."""
    return [one for one in answers if one.choice in CHOICES]


def get_ready() -> None:
    """Let the worker read torch while the first questions are answered."""

    def task(on_step: OnStep, cancelled: Callable[[], bool]) -> None:
        import core.labs.similarity.learning.triplet
        import core.labs.similarity.measures  # noqa: F401

    key = "similarity get ready"
    if worker().find(key) is None:
        worker().submit(key, title="Get ready to learn", task=task, owner=session())


def training(
    who: Sitting, answers: list[Answer], *, helped: int, noise: float
) -> tuple[Job | None, Ensemble | None, int]:
    """The newest training asked for, the newest finished ensemble, and how many answers that one has read.

    Args:
        helped: answers of a simulated person beside the person's own.
        noise: of that simulated person.
    """
    own = clear(answers)
    count = len(own) - len(own) % BATCH
    memory = _finished()
    mine = (who, helped, noise)
    before = memory.get(mine)
    if count + helped < BATCH:
        return None, None, 0
    read = list(triples(own[:count])) if count else []
    more = simulated(who.behaviours, helped, 0, Person(noise=noise)) if helped else np.empty((0, 3), int)
    lessons = np.concatenate([np.array(read, dtype=int).reshape(-1, 3), more])
    mark = zlib.crc32(lessons.tobytes())
    if before and before[0] == mark:
        return None, before[1], before[2]

    def task(on_step: OnStep, cancelled: Callable[[], bool]) -> None:
        start = before[1] if before and before[2] <= len(lessons) else None
        memory[mine] = (mark, train_ensemble(who.behaviours, lessons, before=start, cancelled=cancelled), len(lessons))

    key = f"similarity answers {mine} {mark}"
    job = worker().find(key) or worker().submit(key, title="Learn from the answers", task=task, owner=session())
    return job, before[1] if before else None, before[2] if before else 0


@st.cache_resource(show_spinner=False)
def _finished() -> dict[tuple[Sitting, int, float], tuple[int, Ensemble, int]]:
    """The newest ensemble of each person."""
    return {}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
