"""A session file: one zip with runs, their names and notes, and pair sets, to be opened on another machine.

    session.json                     schema, the runs' words, the pair sets
    runs/<digest>/run.json           as core.export.folder writes them
    runs/<digest>/effects.safetensors
    labs/<digest>/...                the files of a laboratory's run (core.runs.sessions.session_labs)

Reading trusts nothing: only these names are opened, in memory and never as paths; sizes are bounded before and while
unpacking; every run must be the one its digest names, and every text is checked as if it had been typed.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from core.errors import ResultError, UserError
from core.export.folder import effects_bytes, run_json
from core.export.reading import LARGEST_RUN, read_files
from core.patching.results.result import AttributionResult
from core.prompts.pairs import MOST_ANSWERS, PairSet, PromptPair
from core.prompts.parse import MAX_CHARACTERS, MAX_ROWS
from core.runs.entry import LONGEST, checked_words
from core.runs.sessions.session_labs import MEMBER as LAB_MEMBER
from core.runs.sessions.session_labs import check_lab, lab_files, write_lab_files
from core.runs.store import Store

SCHEMA = 2  # 1 knew no laboratories
MOST_RUNS = 200
MOST_PAIR_SETS = 200
MOST_MEMBERS = 20_000
LARGEST_INDEX = 64 * 2**20  # bytes of session.json
LARGEST_UNPACKED = 2 * 2**30  # bytes of everything
HIGHEST_RATIO = 400  # unpacked to packed bytes; effects that are mostly 0 reach about 100
_MEMBER = re.compile(r"runs/([0-9a-f]{16})/(run\.json|effects\.safetensors)")
_WORDS = ("name", "tags", "notes", "pinned")


@dataclass(frozen=True)
class Restored:
    """What a session file brought: digests of runs that were not in the store before, of those that were, and how
    many pair sets."""

    fresh: tuple[str, ...]
    known: tuple[str, ...]
    pair_sets: int

    @property
    def runs(self) -> tuple[str, ...]:
        return self.fresh + self.known


def session_file(store: Store, digests: Iterable[str]) -> bytes:
    """The file's content for some runs of a store, and the pair sets they ran on as far as the store has them.

    Raises:
        ResultError: a run is not stored, damaged, or there are too many.
    """
    chosen = list(dict.fromkeys(digests))
    if not 0 < len(chosen) <= MOST_RUNS:
        raise ResultError(f"A session file holds between 1 and {MOST_RUNS} runs, not {len(chosen)}.")
    out, pair_sets = io.BytesIO(), {}
    index: dict[str, Any] = {"schema": SCHEMA, "runs": [], "labs": []}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for digest in chosen:
            entry, result, lab = store.entry(digest), store.get(digest), store.lab(digest)
            if entry is None or (result is None and lab is None):
                raise ResultError(f"The run {digest} is not stored.", next_step="Leave it out.")
            words = {"digest": digest, **{field: getattr(entry, field) for field in _WORDS}}
            index["runs" if result else "labs"].append(words)
            if lab is not None:
                for name, part in lab_files(lab).items():
                    archive.writestr(f"labs/{digest}/{name}", part)
            if result is None:
                continue
            archive.writestr(f"runs/{digest}/run.json", json.dumps(run_json(result), ensure_ascii=False))
            archive.writestr(f"runs/{digest}/effects.safetensors", effects_bytes(result))
            if (pairs := store.get_pairs(entry.pairs_digest)) is not None:
                pair_sets[pairs.digest] = _pairs_json(pairs)
        index["pair_sets"] = list(pair_sets.values())
        archive.writestr("session.json", json.dumps(index, ensure_ascii=False))
    return out.getvalue()


def restore(store: Store, content: bytes) -> Restored:
    """Put everything a session file holds into a store; runs that are there stay as they are, words included.

    The whole file is checked before anything is stored.

    Raises:
        ResultError: the file is damaged, too large, or not what it says.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            index, members = _open(archive)
            results = [_result(archive, members, digest) for digest, _ in index.runs]
            labs = [_lab(archive, members, digest) for digest, _ in index.labs]
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
    ) as error:
        raise ResultError("The file is not a session file, or damaged.", where="session file") from error
    every = (*index.runs, *index.labs)
    fresh = {digest for digest, _ in every if not store.has(digest)}
    for pairs in index.pair_sets:
        store.put_pairs(pairs)
    for result in results:
        store.put(result)
    for files, (digest, _) in zip(labs, index.labs):
        store.put_files(digest, partial(write_lab_files, files))
    for digest, words in every:
        if digest in fresh:
            store.describe(digest, **words)
    known = tuple(digest for digest, _ in every if digest not in fresh)
    return Restored(tuple(d for d, _ in every if d in fresh), known, len(index.pair_sets))


@dataclass(frozen=True)
class _Index:
    runs: tuple[tuple[str, dict[str, Any]], ...]
    labs: tuple[tuple[str, dict[str, Any]], ...]
    pair_sets: tuple[PairSet, ...]


def _open(archive: zipfile.ZipFile) -> tuple[_Index, dict[str, zipfile.ZipInfo]]:
    infos = archive.infolist()
    members = {info.filename: info for info in infos}
    if len(members) != len(infos) or "session.json" not in members or len(infos) > MOST_MEMBERS:
        raise _refusal("The archive is not a session file.")
    for info in infos:
        known = _MEMBER.fullmatch(info.filename) or LAB_MEMBER.fullmatch(info.filename)
        if info.filename != "session.json" and not known:
            raise _refusal(f"The archive holds {info.filename[:60]!r}, which has no place in a session file.")
        if info.file_size > HIGHEST_RATIO * max(info.compress_size, 1024):
            raise _refusal("A part of the file would unpack to many times its size.")
    if sum(info.file_size for info in infos) > LARGEST_UNPACKED:
        raise _refusal(f"The file would unpack to more than {LARGEST_UNPACKED / 2**30:.0f} GiB.")
    index = _index(_unpack(archive, members["session.json"], LARGEST_INDEX))
    expected = {f"runs/{digest}/{name}" for digest, _ in index.runs for name in ("run.json", "effects.safetensors")}
    expected |= {name for name in members if name.startswith("labs/") and name[5:21] in {d for d, _ in index.labs}}
    if set(members) != expected | {"session.json"}:
        raise _refusal("The archive does not hold the runs that it lists.")
    return index, members


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, largest: int) -> bytes:
    """A part's bytes, never more than its header said and never more than ``largest``."""
    if info.file_size > largest or info.flag_bits & 1:
        raise _refusal("A part of the file is too large, or encrypted.")
    try:
        with archive.open(info) as file:
            content = file.read(info.file_size + 1)
    except Exception as error:  # zlib, lzma and bz2 each have their own
        raise _refusal("The file is damaged.") from error
    if len(content) != info.file_size:
        raise _refusal("The file is damaged.")
    return content


def _result(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], digest: str) -> AttributionResult:
    described = _unpack(archive, members[f"runs/{digest}/run.json"], LARGEST_RUN)
    effects = _unpack(archive, members[f"runs/{digest}/effects.safetensors"], LARGEST_UNPACKED)
    result = read_files(described, effects)
    if result.spec.digest != digest:
        raise _refusal(f"The run {digest} is not the one that its description says.")
    return result


def _lab(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], digest: str) -> dict[str, bytes]:
    start = f"labs/{digest}/"
    own = {name.removeprefix(start): info for name, info in members.items() if name.startswith(start)}
    files = {name: _unpack(archive, info, LARGEST_UNPACKED) for name, info in own.items()}
    check_lab(digest, files)
    return files


def _index(content: bytes) -> _Index:
    try:
        data = json.loads(content.decode("utf-8"))
        if data["schema"] not in (1, SCHEMA):
            raise _refusal(
                f"The file has format {str(data['schema'])[:20]}; this version reads formats 1 and {SCHEMA}."
            )
        runs, labs = (
            tuple((str(run["digest"]), _words(run)) for run in data.get(part, ())) for part in ("runs", "labs")
        )
        digests = [digest for digest, _ in (*runs, *labs)]
        if not len(set(digests)) == len(digests) <= MOST_RUNS or len(data["pair_sets"]) > MOST_PAIR_SETS:
            raise _refusal("The file lists a run twice, or too many runs or pair sets.")
        return _Index(runs, labs, tuple(map(_pair_set, data["pair_sets"])))
    except UserError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _refusal("The list of runs does not make sense.") from error


def _words(run: dict[str, Any]) -> dict[str, Any]:
    return checked_words({field: run[field] for field in _WORDS})


def _pairs_json(pairs: PairSet) -> dict[str, Any]:
    return {"digest": pairs.digest, "name": pairs.name, "pairs": [pair.to_row() for pair in pairs]}


def _pair_set(data: dict[str, Any]) -> PairSet:
    rows, name = data["pairs"], data["name"]
    sound = isinstance(rows, list) and 0 < len(rows) <= MAX_ROWS and isinstance(name, str)
    if not sound or len(name) > LONGEST["name"] or not all(map(_pair, rows)):
        raise _refusal("A pair set is not made of texts of bounded length.")
    pairs = PairSet(name, tuple(PromptPair(*row) for row in rows))
    if pairs.digest != data["digest"]:
        raise _refusal("A pair set is not the one that its digest names.")
    return pairs


def _pair(row: Any) -> bool:
    """Whether a row holds the values of a pair, with ids and links or without."""
    if not isinstance(row, list) or len(row) not in (5, 8):
        return False
    clean, corrupt, answer, distractor, name, *more = row
    texts = all(map(_text, (clean, corrupt, name))) and all(map(_texts, (answer, distractor)))
    return texts and (not more or (_ids(more[0]) and _ids(more[1]) and (more[2] is None or isinstance(more[2], list))))


def _texts(value: Any) -> bool:
    return _text(value) or (isinstance(value, list) and 1 < len(value) <= MOST_ANSWERS and all(map(_text, value)))


def _ids(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= MOST_ANSWERS and all(type(n) is int and n >= 0 for n in value)


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_CHARACTERS and not any("\ud800" <= c <= "\udfff" for c in value)


def _refusal(what: str) -> ResultError:
    return ResultError(what, where="session file", next_step="Ask for it again, or leave it.")
