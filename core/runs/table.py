"""The store's table of runs and pair sets: every SQL statement of the program."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from core.patching.spec import RunSpec
from core.prompts.pairs import PairSet, PromptPair
from core.runs.entry import Entry, State
from core.runs.laboratory import LabSpec
from core.runs.schema import PAIR_SETS, RUNS, open_database

ACTIVE: tuple[State, ...] = ("queued", "running")
_FIELDS = [RUNS.c["spec" if field.name == "spec_json" else field.name] for field in fields(Entry)]


def row_of(spec: RunSpec | LabSpec, pairs: int) -> dict[str, Any]:
    """A new row for a run of so many pairs (or other items); not yet computed."""
    now = time.time()
    if isinstance(spec, LabSpec):
        words = {"lab": spec.lab, "pairs_digest": "", "method": spec.title, "metric": "", "direction": ""}
    else:
        of_pairs = ("pairs_digest", "metric", "direction")
        words = {"lab": "", "method": spec.choice, **{name: getattr(spec, name) for name in of_pairs}}
    return {
        "digest": spec.digest,
        "spec": json.dumps(spec.to_json()),
        "model": spec.model,
        **words,
        "pairs": pairs,
        "state": "queued",
        "problem": "",
        "seconds": 0.0,
        "written": 0,
        "size": 0,
        "created": now,
        "used": now,
        "name": "",
        "tags": "",
        "notes": "",
        "pinned": False,
    }


class RunTable:
    """The database in a file; every method is one transaction."""

    def __init__(self, path: Path):
        self._engine = open_database(path)

    def entries(self, *, digest: str | None = None, binned: bool | None = None) -> list[Entry]:
        """Runs, newest first: one, those in the bin, those outside it, or all."""
        query = select(*_FIELDS).order_by(RUNS.c.created.desc(), RUNS.c.digest)
        if digest is not None:
            query = query.where(RUNS.c.digest == digest)
        if binned is not None:
            query = query.where(RUNS.c.deleted.is_not(None) if binned else RUNS.c.deleted.is_(None))
        with self._reading() as connection:
            return [Entry(*row) for row in connection.execute(query).tuples()]

    def folders(self) -> dict[str, tuple[str, int]]:
        """Folder -> digest of its run, and when its run.json was written (``st_mtime_ns``)."""
        query = select(RUNS.c.folder, RUNS.c.digest, RUNS.c.written).where(RUNS.c.folder.is_not(None))
        with self._reading() as connection:
            return {folder: (digest, written) for folder, digest, written in connection.execute(query)}

    def change(self, digest: str, **values: Any) -> None:
        """Set columns of a run, if it is known."""
        with self._engine.begin() as connection:
            connection.execute(update(RUNS).where(RUNS.c.digest == digest).values(values))

    def touch(self, digest: str) -> None:
        """Count a run as just used."""
        self.change(digest, used=time.time())

    def accept(self, spec: RunSpec | LabSpec, *, pairs: int, owner: str) -> None:
        """A run was asked for: a new row, or an old one without a result put back into the queue."""
        again = {"state": "queued", "problem": "", "owner": owner, "deleted": None, "used": time.time()}
        query = insert(RUNS).values(row_of(spec, pairs) | {"owner": owner})
        waiting = (RUNS.c.state != "done") | RUNS.c.deleted.is_not(None)
        with self._engine.begin() as connection:
            connection.execute(query.on_conflict_do_update(["digest"], set_=again, where=waiting))

    def mark(self, digest: str, state: State, problem: str) -> None:
        """How a run without a result stands."""
        query = update(RUNS).where(RUNS.c.digest == digest, RUNS.c.state != "done")
        with self._engine.begin() as connection:
            connection.execute(query.values(state=state, problem=problem))

    def finished(self, row: dict[str, Any]) -> None:
        """A folder holds a run's result, and no other's. Where another folder holds the same run, that one stays."""
        result = ("state", "problem", "owner", "deleted", "folder", "written", "size", "seconds", "created", "pairs")
        query = insert(RUNS).values(row)
        mine = RUNS.c.folder.is_(None) | (RUNS.c.folder == row["folder"])
        with self._engine.begin() as connection:
            connection.execute(delete(RUNS).where(RUNS.c.folder == row["folder"], RUNS.c.digest != row["digest"]))
            kept = {name: row.get(name) for name in result}
            connection.execute(query.on_conflict_do_update(["digest"], set_=kept, where=mine))

    def forget(self, digest: str, *, folder: str | None) -> None:
        """Remove a run whose effects lay in this folder, unless they lie elsewhere by now."""
        with self._engine.begin() as connection:
            connection.execute(delete(RUNS).where(RUNS.c.digest == digest, RUNS.c.folder == folder))

    def owners(self) -> set[str]:
        """Processes that some run waits for."""
        query = select(RUNS.c.owner).where(RUNS.c.state.in_(ACTIVE), RUNS.c.owner.is_not(None)).distinct()
        with self._reading() as connection:
            return set(connection.execute(query).scalars())

    def interrupt(self, owner: str) -> None:
        """A process died: its runs are not worked on any more."""
        query = update(RUNS).where(RUNS.c.owner == owner, RUNS.c.state.in_(ACTIVE))
        with self._engine.begin() as connection:
            connection.execute(query.values(state="interrupted", owner=None))

    def put_pairs(self, pairs: PairSet) -> None:
        """Keep a pair set; the name it was first kept under stays."""
        texts = json.dumps([pair.to_row() for pair in pairs])
        row = {"digest": pairs.digest, "name": pairs.name, "pairs": texts, "created": time.time()}
        with self._engine.begin() as connection:
            connection.execute(insert(PAIR_SETS).values(row).on_conflict_do_nothing())

    def pairs(self, digest: str) -> PairSet | None:
        """A kept pair set, or None."""
        with self._reading() as connection:
            row = connection.execute(select(PAIR_SETS).where(PAIR_SETS.c.digest == digest)).one_or_none()
        return None if row is None else PairSet(row.name, tuple(PromptPair(*texts) for texts in json.loads(row.pairs)))

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            yield connection.execution_options(reading=True)
