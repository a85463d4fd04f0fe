"""Session files: everything comes back in another store, and nothing hostile gets in."""

import io
import json
import zipfile

import numpy as np
import pytest

from core.errors import ResultError
from core.prompts.pairs import PairSet, PromptPair
from core.runs.laboratory import LabSpec
from core.runs.sessions import session_file as module
from core.runs.sessions.session_file import restore, session_file
from core.runs.store import Store
from tests.make_results import make_result

PAIRS = PairSet(
    "my <b>pairs</b>",
    (
        PromptPair("a b", "a c", " d", " e", name="=SUM(A1)"),
        PromptPair("a b z", "a c c z", " d", " e", links=((1, 2, 1, 3),)),
    ),
)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "there")


@pytest.fixture
def content(store):
    """A file with two runs, one of them on a kept pair set."""
    store.put_pairs(PAIRS)
    digests = [store.put(make_result(seed=i, pairs_digest=d)) for i, d in enumerate((PAIRS.digest, "other"))]
    store.describe(digests[0], name="first", tags="ioi", notes="seen\ntwice", pinned=True)
    return session_file(store, digests)


def parts_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def test_everything_comes_back_on_another_machine(content, store, tmp_path):
    fresh = Store(tmp_path / "here")
    restored = restore(fresh, content)
    assert (len(restored.fresh), restored.known, restored.pair_sets) == (2, (), 1)
    for entry in store.entries():
        copy = fresh.entry(entry.digest)
        assert (copy.name, copy.tags, copy.notes, copy.pinned) == (entry.name, entry.tags, entry.notes, entry.pinned)
        a, b = store.get(entry.digest), fresh.get(entry.digest)
        assert (a.pairs, a.seconds, a.provenance) == (b.pairs, b.seconds, b.provenance)
        for kind in a.effects:
            assert all(np.array_equal(x, y) for x, y in zip(a.effects[kind], b.effects[kind]))
    assert fresh.get_pairs(PAIRS.digest) == PAIRS


def test_answer_sets_and_ids_come_back(store, tmp_path):
    several = PromptPair("a b", "a c", (" d", " f"), " e", answer_ids=(3, 5))
    pairs = PairSet("sets", (several, *PAIRS))
    store.put_pairs(pairs)
    digest = store.put(make_result(pairs_digest=pairs.digest))
    fresh = Store(tmp_path / "here")
    restore(fresh, session_file(store, [digest]))
    assert store.get_pairs(pairs.digest) == fresh.get_pairs(pairs.digest) == pairs


def test_what_is_here_already_keeps_its_words(content, store):
    digest = store.entries()[0].digest
    store.describe(digest, name="renamed since")
    restored = restore(store, content)
    assert restored.fresh == ()
    assert store.entry(digest).name == "renamed since"


def test_only_stored_runs_can_be_taken_away(store):
    for digests in ([], ["0" * 16], [f"{i:016x}" for i in range(module.MOST_RUNS + 1)]):
        with pytest.raises(ResultError):
            session_file(store, digests)


LAB = LabSpec("grokking", "two runs", settings={"seed": 1})


def with_lab(store) -> bytes:
    """A file with one laboratory's run."""
    files = store.root.parent / "files"
    (files / "models" / "step-5").mkdir(parents=True)
    (files / "curves.csv").write_text("step,loss\n1,2\n")
    (files / "models" / "step-5" / "config.json").write_text("{}")
    (files / "notes.html").write_text("<script>")  # no data: stays behind
    digest = store.put_lab(LAB, files, items=2, seconds=1.25)
    store.describe(digest, name="grokked")
    return session_file(store, [digest])


def test_a_laboratory_run_comes_back_with_its_files(store, tmp_path):
    content, fresh = with_lab(store), Store(tmp_path / "here")
    assert restore(fresh, content).fresh == (LAB.digest,)
    assert restore(fresh, content).known == (LAB.digest,)
    folder = fresh.lab(LAB.digest)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {"run.json", "curves.csv", "models/step-5/config.json"}
    assert all((folder / name).read_bytes() == (store.lab(LAB.digest) / name).read_bytes() for name in found)
    entry = fresh.entry(LAB.digest)
    assert (entry.name, entry.lab, entry.pairs, entry.seconds) == ("grokked", "grokking", 2, 1.25)


def test_hostile_laboratory_runs_are_refused(store, tmp_path):
    parts, fresh = parts_of(with_lab(store)), Store(tmp_path / "here")
    place = f"labs/{LAB.digest}/"
    other = json.loads(parts[f"{place}run.json"])
    other["spec"]["settings"]["seed"] = 2
    for wrong in (
        parts | {f"{place}../evil.json": b"{}"},
        parts | {f"{place}models/../evil.json": b"{}"},
        parts | {f"{place}code.py": b"import os"},
        parts | {f"{place}weights.pkl": b"x"},
        parts | {f"{place}run.json": json.dumps(other).encode()},
        parts | {f"{place}run.json": b"[" * 200_000},
        {name: part for name, part in parts.items() if name != f"{place}run.json"},
        parts | {"labs/0123456789abcdef/run.json": parts[f"{place}run.json"]},
    ):
        with pytest.raises(ResultError):
            restore(fresh, packed(wrong))
    assert fresh.entries() == []
    assert not list(tmp_path.rglob("evil*"))


def changed(parts, **index):
    data = json.loads(parts["session.json"])
    return parts | {"session.json": json.dumps(data | index).encode()}


def hostile(parts: dict[str, bytes]) -> dict[str, bytes]:
    """Session files that must be refused, by what is wrong with them."""
    run = next(name for name in parts if name.endswith("run.json"))
    effects = run.replace("run.json", "effects.safetensors")
    index = json.loads(parts["session.json"])
    other = next(name for name in parts if name.endswith(".safetensors") and name != effects)
    words = {"name": 7, "tags": "", "notes": "", "pinned": False}
    cases = {
        "a path upwards": parts | {"../../evil": b"x"},
        "an absolute path": parts | {"/etc/evil": b"x"},
        "a backslash path": parts | {"runs\\..\\evil": b"x"},
        "a foreign file": parts | {"evil.pkl": b"\x80\x04."},
        "a folder": parts | {"runs/": b""},
        "a run not listed": parts | {"runs/0123456789abcdef/run.json": parts[run]},
        "a run missing": {name: part for name, part in parts.items() if name != effects},
        "no list": {name: part for name, part in parts.items() if name != "session.json"},
        "effects cut short": parts | {effects: parts[effects][:-7]},
        "effects of another run": parts | {run: parts[other.replace("effects.safetensors", "run.json")]},
        "a bomb": parts | {effects: b"\0" * 200_000_000},
        "a list that is no JSON": parts | {"session.json": b"{"},
        "a list that is deep": parts | {"session.json": b"[" * 200_000},
        "a list in latin-1": parts | {"session.json": '{"schema": "é"}'.encode("latin-1")},
        "another schema": changed(parts, schema=99),
        "runs that are numbers": changed(parts, runs=[1, 2]),
        "runs listed twice": changed(parts, runs=index["runs"] * 2),
        "words of the wrong kind": changed(parts, runs=[run | words for run in index["runs"]]),
        "words that are too long": changed(parts, runs=[run | {"notes": "x" * 10**6} for run in index["runs"]]),
        "words missing": changed(parts, runs=[{"digest": run["digest"]} for run in index["runs"]]),
        "a digest that is a path": changed(parts, runs=[{**index["runs"][0], "digest": "../../../evil"}]),
        "pairs that are not texts": changed(parts, pair_sets=[{"name": "", "digest": "", "pairs": [[1, 2, 3, 4, 5]]}]),
        "an answer without texts": changed(
            parts, pair_sets=[index["pair_sets"][0] | {"pairs": [["a", "b", [], "d", ""]]}]
        ),
        "ids that are texts": changed(
            parts, pair_sets=[index["pair_sets"][0] | {"pairs": [["a", "b", "c", "d", "", ["1"], []]]}]
        ),
        "pairs of another digest": changed(parts, pair_sets=[index["pair_sets"][0] | {"digest": "0" * 16}]),
        "pairs without end": changed(parts, pair_sets=[index["pair_sets"][0] | {"pairs": [["a"] * 5] * 3000}]),
    }
    return {name: packed(case) for name, case in cases.items()}


def test_hostile_files_are_refused_whole(content, tmp_path):
    place = tmp_path / "here"
    fresh = Store(place)
    files = {path for path in tmp_path.rglob("*") if place not in path.parents}
    for what, case in hostile(parts_of(content)).items():
        with pytest.raises(ResultError) as refused:
            restore(fresh, case)
        assert str(refused.value), what
        assert fresh.entries() == [], what
    assert {path for path in tmp_path.rglob("*") if place not in path.parents} == files


def test_damaged_archives_are_refused(content, tmp_path):
    fresh = Store(tmp_path / "here")
    rng = np.random.default_rng(0)
    cases = [b"", b"PK", b"not a zip", content[: len(content) // 2], content[10:]]
    for _ in range(200):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), 20):
            damaged[place] ^= 0xFF
        cases.append(bytes(damaged))
    refused = 0
    for case in cases:
        try:
            restore(fresh, case)
        except ResultError:
            refused += 1
    assert refused == len(cases)
    assert fresh.entries() == []
