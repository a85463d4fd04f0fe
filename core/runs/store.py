"""The store of runs: a SQLite table of what was run, and beside it one folder of results a run, both by digest.

    root/store.sqlite      what is known of every run, and the pair sets (core.runs.schema)
    root/<digest>/         run.json and effects.safetensors, as core.export.folder writes them;
                           of a laboratory's run: run.json (core.runs.laboratory) and that laboratory's own files
    root/<any name>/       a result that a person put there: found, listed and opened, never changed
    root/.work/            locks, unfinished writes, checkpoints

A folder is renamed into place when it is complete, and the table follows. So a process killed at any moment leaves
the whole result or none; what it left half-written is swept away at an opening. Any number of threads and processes
may have one store open at once.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from core.errors import ResultError
from core.export.folder import read_folder, write_files
from core.patching.results.result import AttributionResult
from core.patching.spec import RunSpec
from core.prompts.pairs import PairSet
from core.runs.entry import Entry, State, checked_words, is_digest
from core.runs.folders import finished_row, folder_size, written_folders
from core.runs.laboratory import LabSpec, write_lab_run
from core.runs.locks import locked
from core.runs.table import RunTable

LIMIT = 20 * 2**30  # bytes of effects
BIN_SECONDS = 7 * 24 * 3600.0
SETTLED = 1e9  # nanoseconds after which a folder's time of change can be told from the next one


class Store:
    """A store in a folder, which is made if need be.

    Args:
        limit: bytes to keep. Beyond it the bin is emptied, then the runs unused for longest go; pinned runs and
            folders that people named never do.

    Raises:
        ResultError: the place cannot be written, or a newer version wrote it.
    """

    def __init__(self, root: Path, *, limit: int = LIMIT):
        self.root, self._limit = Path(root).resolve(), limit
        self._work = self.root / ".work"
        self._owner = uuid.uuid4().hex
        self._seen: dict[str, int] = {}
        self._looked = 0
        self._open = ExitStack()
        try:
            self._work.mkdir(parents=True, exist_ok=True)
            # Held while this process lives: it tells others that the runs marked as ours are being worked on.
            self._open.enter_context(locked(self._work / f"{self._owner}.alive"))
        except OSError as error:
            raise ResultError(f"The store cannot be opened ({error.strerror}).", where=str(root)) from error
        with locked(self._work / "opening.lock"):
            self._table = RunTable(self.root / "store.sqlite")
            self._look_around()
            self._sweep()

    def close(self) -> None:
        """Let go of the store: runs accepted here and not finished count as interrupted from now on."""
        self._open.close()

    def put(self, result: AttributionResult) -> str:
        """Keep a result under its digest, which is returned; one that is there already stays as it is.

        Raises:
            ResultError: the result is larger than the whole store may be, or the disk refuses it.
        """
        return self.put_files(result.spec.digest, lambda folder: write_files(result, folder))

    def put_lab(self, spec: LabSpec, files: Path, *, items: int, seconds: float) -> str:
        """The same for a laboratory's run.

        Args:
            files: a folder with everything the laboratory wants to keep; its content is moved.
            items: how many things (runs, statements, ...) it is about.
        """

        def write(folder: Path) -> None:
            os.replace(files, folder)
            write_lab_run(spec, folder, items=items, seconds=seconds)

        return self.put_files(spec.digest, write)

    def put_files(self, digest: str, write: Callable[[Path], None]) -> str:
        """The same for a run whose files, ``run.json`` among them, somebody writes into an empty folder."""
        if self.has(digest):
            return digest
        with self._writing() as partial:
            write(partial)
            if folder_size(partial) > self._limit:
                raise ResultError("The result is larger than the store may be.", next_step="Choose a smaller run.")
            # One at a time for each run: readers must not find the place empty while two writers swap it.
            with locked(self._work / f"put-{digest[0]}.lock"):
                if not self.has(digest):
                    self._table.change(digest, folder=None)
                    self._remove_files(digest)
                    os.replace(partial, self.root / digest)
                    self._note(digest)
        self._evict(keep=digest)
        return digest

    def get(self, digest: str) -> AttributionResult | None:
        """The stored result of a run of pairs, or None; it counts as just used.

        Raises:
            ResultError: the stored files are damaged.
        """
        entry = self._present(digest)
        if entry is None or entry.lab:
            return None
        self._table.touch(digest)
        return read_folder(self.root / str(entry.folder))

    def lab(self, digest: str) -> Path | None:
        """The folder of a laboratory's finished run, or None; it counts as just used."""
        entry = self._present(digest)
        if entry is None or not entry.lab:
            return None
        self._table.touch(digest)
        return self.root / str(entry.folder)

    def touch(self, digest: str) -> None:
        """Count a run as just used."""
        self._table.touch(digest)

    def has(self, digest: str) -> bool:
        """Whether a run's result is stored, and not in the bin."""
        return self._present(digest) is not None

    @contextmanager
    def computing(self, digest: str, *, cancelled: Callable[[], bool] | None = None) -> Iterator[None]:
        """Hold the right to compute a run. Others wait for it, and find the result stored when they get it.

        Raises:
            Cancelled: ``cancelled()`` became true while waiting.
        """
        with locked(self._work / f"{digest}.computing", cancelled=cancelled):
            yield

    def checkpoints(self, digest: str) -> Path:
        """The folder in which an unfinished run keeps what it has; removed when its result is put."""
        return self._work / f"{digest}.pairs"

    # The table

    def entry(self, digest: str) -> Entry | None:
        """What is known of a run, in the bin or not; None: nothing."""
        if not is_digest(digest):
            return None
        self._look_around()
        return next(iter(self._table.entries(digest=digest)), None)

    def entries(self, *, binned: bool = False) -> list[Entry]:
        """Every run outside the bin (or in it), newest first."""
        self._look_around()
        return self._table.entries(binned=binned)

    def describe(self, digest: str, **words: Any) -> None:
        """Set any of ``name``, ``tags``, ``notes`` and ``pinned`` of a run.

        Raises:
            ResultError: an unknown field, or a text that is too long.
        """
        self._table.change(digest, **checked_words(words))

    def bin(self, digest: str) -> None:
        """Delete a run. ``unbin`` takes it back, for seven days or until the space is needed."""
        self._table.change(digest, deleted=time.time())

    def unbin(self, digest: str) -> None:
        """Take a run back out of the bin."""
        self._table.change(digest, deleted=None)

    def accept(self, spec: RunSpec | LabSpec, *, pairs: int) -> None:
        """Write down that a run was asked for, so that it is not forgotten if this process dies.

        What the bin holds of it goes: whoever deletes a run and asks for it again wants it computed anew.
        """
        entry = self.entry(spec.digest)
        if entry is not None and entry.own and entry.deleted is not None:
            self._remove(entry)
        self._table.accept(spec, pairs=pairs, owner=self._owner)

    def mark(self, digest: str, state: State, *, problem: str = "") -> None:
        """Write down how an accepted run stands, short of its result."""
        self._table.mark(digest, state, problem)

    # Pair sets

    def put_pairs(self, pairs: PairSet) -> str:
        """Keep a pair set under its digest, which is returned; the name it was first kept under stays."""
        self._table.put_pairs(pairs)
        return pairs.digest

    def get_pairs(self, digest: str) -> PairSet | None:
        """A kept pair set, or None."""
        return self._table.pairs(digest)

    # Folders

    @contextmanager
    def _writing(self) -> Iterator[Path]:
        """A fresh folder to write into. Whoever sweeps sees by the lock that somebody writes."""
        partial = self._work / f"{uuid.uuid4().hex}.part"
        try:
            with locked(self._work / "writing.lock", shared=True):
                partial.mkdir()
                try:
                    yield partial
                finally:
                    shutil.rmtree(partial, ignore_errors=True)
        except OSError as error:
            raise ResultError(f"The result cannot be stored ({error.strerror}).", where=str(self.root)) from error

    def _present(self, digest: str) -> Entry | None:
        """The entry of a run whose result is stored and not in the bin, or None."""
        entry = self.entry(digest)
        return entry if entry is not None and entry.folder is not None and entry.deleted is None else None

    def _look_around(self) -> None:
        """Bring the table in line with the folders: new and rewritten ones enter it, vanished ones leave it."""
        changed = self.root.stat().st_mtime_ns
        if changed == self._looked:
            return
        now = time.time_ns()
        known = self._table.folders()  # before the folders are looked at: one that comes in between is not lost
        found = written_folders(self.root)
        for folder in known.keys() - found.keys():
            if not (self.root / folder / "run.json").exists():
                self._table.forget(known[folder][0], folder=folder)
                self._seen.pop(folder, None)
        for folder, written in found.items():
            if written not in (self._seen.get(folder), known.get(folder, ("", 0))[1]):
                self._seen[folder] = written
                self._note(folder)
        self._looked = changed if now - changed > SETTLED else 0

    def _note(self, folder: str) -> None:
        """Write a result's folder into the table; what is no result is passed over."""
        row = finished_row(self.root / folder)
        if row is None or (is_digest(folder) and folder != row["digest"]):
            return
        self._table.finished(row)
        shutil.rmtree(self.checkpoints(row["digest"]), ignore_errors=True)

    def _remove_files(self, digest: str) -> None:
        """Remove the store's own folder of a run: first out of sight in one step, then file by file."""
        gone = self._work / f"{uuid.uuid4().hex}.part"
        if (self.root / digest).exists():
            os.replace(self.root / digest, gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _remove(self, entry: Entry) -> None:
        with self._writing():
            self._remove_files(entry.digest)
            self._table.forget(entry.digest, folder=entry.folder)

    def _evict(self, *, keep: str) -> None:
        entries = [entry for entry in self._table.entries() if entry.own]
        total = sum(entry.size for entry in entries)
        for entry in sorted(entries, key=lambda e: (e.deleted is None, e.used)):
            if total > self._limit and not entry.pinned and entry.digest != keep:
                self._remove(entry)
                total -= entry.size

    def _sweep(self) -> None:
        """At an opening: what dead processes left, and what lay in the bin for long enough."""
        for owner in self._table.owners():
            with locked(self._work / f"{owner}.alive", wait=False) as dead:
                if dead:
                    self._table.interrupt(owner)
        for path in self._work.glob("*.computing"):
            if self.has(path.stem):
                path.unlink(missing_ok=True)  # whoever still waits for it will find the result
        for path in self._work.glob("*.pairs"):
            entry = self.entry(path.stem)
            if entry is None or entry.deleted is not None:
                shutil.rmtree(path, ignore_errors=True)
        for path in self._work.glob("*.alive"):
            with locked(path, wait=False) as dead:
                if dead:
                    path.unlink(missing_ok=True)
        with locked(self._work / "writing.lock", wait=False) as alone:
            for path in self._work.glob("*.part") if alone else ():
                shutil.rmtree(path, ignore_errors=True)
        for entry in self._table.entries(binned=True):
            if entry.own and (entry.deleted or 0) < time.time() - BIN_SECONDS:
                self._remove(entry)
