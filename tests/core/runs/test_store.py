"""The store: what goes in comes out, once; eviction, the bin, migration, many openers, and processes that die."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from sqlalchemy import inspect

from core.errors import Cancelled, ResultError
from core.export.folder import write_folder
from core.prompts.pairs import PairSet, PromptPair
from core.runs import schema
from core.runs.entry import STATES, is_digest
from core.runs.store import Store
from tests.make_results import make_result


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    yield store
    store.close()


def numbered(i: int, **spec):
    """Results of different runs."""
    return make_result(seed=i, pairs_digest=f"set {i}", **spec)


def same(a, b) -> bool:
    return a.spec == b.spec and all(
        np.array_equal(x, y) for kind in a.effects for x, y in zip(a.effects[kind], b.effects[kind])
    )


def test_a_result_comes_back_and_is_listed(store):
    result = make_result()
    digest = store.put(result)
    assert same(store.get(digest), result)
    (entry,) = store.entries()
    assert (entry.digest, entry.spec, entry.pairs, entry.state) == (digest, result.spec, 3, "done")
    assert entry.seconds == 1.5
    assert entry.size == sum(path.stat().st_size for path in (store.root / digest).iterdir())
    assert {path.name for path in (store.root / digest).iterdir()} == {"run.json", "effects.safetensors"}


def test_the_first_result_of_a_run_stays(store):
    first = make_result(seed=1)
    store.put(first)
    store.put(make_result(seed=2))
    assert same(store.get(first.spec.digest), first)
    assert len(store.entries()) == 1


def test_what_is_not_there_is_none_and_no_path_gets_through(store):
    odd = ("../store", "..", "", "a" * 17, "0123456789abcdeg", "0123456789ABCDEF", "0123456789abcdef\n")
    for digest in ("0" * 16, *odd):
        assert store.get(digest) is None
        assert not store.has(digest)
        assert not is_digest(digest) or digest == "0" * 16


def test_plain_folders_are_found_and_left_alone(store):
    early, late = numbered(1), numbered(2)
    write_folder(early, store.root / "mine")
    assert same(store.get(early.spec.digest), early)
    write_folder(late, store.root / "later")
    assert {entry.folder for entry in store.entries()} == {"mine", "later"}
    assert not any(entry.own for entry in store.entries())
    write_folder(numbered(3), store.root / "mine")
    assert {entry.digest for entry in store.entries()} == {numbered(3).spec.digest, late.spec.digest}
    (store.root / "broken").mkdir()
    (store.root / "broken" / "run.json").write_text('{"spec": []}')
    assert len(store.entries()) == 2


def test_words_are_kept_checked_and_survive(store):
    digest = store.put(make_result())
    store.describe(digest, name="  first\u202e run\x00 ", tags="ioi, head", notes="a\nb", pinned=True)
    entry = Store(store.root).entry(digest)
    assert (entry.name, entry.tags, entry.notes, entry.pinned) == ("first run", "ioi, head", "a\nb", True)
    for wrong in ({"name": "x" * 500}, {"folder": "x"}, {"pinned": "yes"}, {"state": "done"}):
        with pytest.raises(ResultError):
            store.describe(digest, **wrong)


def test_the_bin_gives_back_and_the_same_run_may_be_computed_anew(store):
    digest = store.put(make_result(seed=1))
    store.bin(digest)
    assert store.get(digest) is None
    assert store.entries() == []
    assert [entry.digest for entry in store.entries(binned=True)] == [digest]
    store.unbin(digest)
    assert same(store.get(digest), make_result(seed=1))
    store.bin(digest)
    store.put(make_result(seed=2))
    assert same(store.get(digest), make_result(seed=2))


def test_what_lay_in_the_bin_for_long_is_gone_at_the_next_opening(store, monkeypatch):
    old, kept = store.put(numbered(1)), store.put(numbered(2))
    store.bin(old)
    monkeypatch.setattr("core.runs.store.BIN_SECONDS", -1.0)
    again = Store(store.root)
    assert not (store.root / old).exists()
    assert [entry.digest for entry in again.entries()] == [kept]
    assert again.entries(binned=True) == []


def test_the_least_used_goes_first_and_pinned_runs_never(tmp_path):
    size = Store(tmp_path / "measure")
    size.put(numbered(0))
    (one,) = size.entries()
    store = Store(tmp_path / "store", limit=int(one.size * 3.5))
    write_folder(numbered(9), store.root / "mine")
    digests = [store.put(numbered(i)) for i in range(3)]
    store.describe(digests[0], pinned=True)
    store.get(digests[1])
    last = store.put(numbered(3))
    assert {entry.digest for entry in store.entries() if entry.own} == {digests[0], digests[1], last}
    store.bin(last)
    fresh = store.put(numbered(4))
    assert {entry.digest for entry in store.entries() if entry.own} == {digests[0], digests[1], fresh}
    assert store.has(numbered(9).spec.digest)
    with pytest.raises(ResultError, match="larger"):
        Store(tmp_path / "tiny", limit=10).put(numbered(5))


def test_damage_is_told_and_can_be_replaced(store):
    digest = store.put(make_result())
    (store.root / digest / "effects.safetensors").write_bytes(b"cut")
    with pytest.raises(ResultError, match="damaged"):
        store.get(digest)
    store.bin(digest)
    store.put(make_result())
    assert same(store.get(digest), make_result())


def test_pair_sets_come_back_to_the_letter(store):
    pairs = PairSet('näme, "q"', (PromptPair('a "b",\nc ', " d", " e", "=f()", name="<b>"),))
    assert store.get_pairs(store.put_pairs(pairs)) == pairs
    assert store.get_pairs("0" * 16) is None


def test_an_older_database_is_brought_forward_and_a_newer_one_refused(tmp_path, monkeypatch):
    steps = schema.STEPS
    monkeypatch.setattr(schema, "STEPS", steps[:1])
    engine = schema.open_database(tmp_path / "store.sqlite")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO runs VALUES ('d', '{}', 'm', 'p', 'exact', 'kl', 'noising', 1, 'done', 2.0, NULL, 0, 0, 1.0, "
            "1.0, NULL, 'my name', '', '', 0)"
        )
    engine.dispose()
    monkeypatch.setattr(schema, "STEPS", steps)
    engine = schema.open_database(tmp_path / "store.sqlite")
    for table in schema.METADATA.sorted_tables:
        assert {c["name"] for c in inspect(engine).get_columns(table.name)} == set(table.columns.keys())
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT name, problem FROM runs").one() == ("my name", "")
        connection.exec_driver_sql("PRAGMA user_version=99")
    with pytest.raises(ResultError, match="version 99"):
        schema.open_database(tmp_path / "store.sqlite")


def test_one_computes_and_the_other_waits(store):
    other, order = Store(store.root), []
    with store.computing("0" * 16):
        with pytest.raises(Cancelled), other.computing("0" * 16, cancelled=lambda: True):
            pass
        waiting = threading.Thread(target=lambda: _enter(other, order))
        waiting.start()
        time.sleep(0.15)
        order.append("first")
    waiting.join(5)
    assert order == ["first", "second"]


def _enter(store, order):
    with store.computing("0" * 16):
        order.append("second")


def test_accepted_runs_are_reported_after_their_process_died(store):
    spec, done = make_result().spec, numbered(1)
    dying = Store(store.root)
    dying.accept(spec, pairs=3)
    dying.accept(done.spec, pairs=3)
    dying.put(done)
    assert Store(store.root).entry(spec.digest).state == "queued"
    dying.close()
    assert Store(store.root).entry(spec.digest).state == "interrupted"
    assert store.entry(done.spec.digest).state == "done"
    store.mark(done.spec.digest, "failed")
    assert store.entry(done.spec.digest).state == "done"
    store.accept(spec, pairs=3)
    store.mark(spec.digest, "failed", problem="why")
    assert (store.entry(spec.digest).state, store.entry(spec.digest).problem) == ("failed", "why")
    assert all(entry.state in STATES for entry in store.entries())


def test_many_threads_and_openers_agree(store):
    errors = []

    def work(i):
        try:
            mine = Store(store.root) if i % 2 else store
            for j in range(6):
                digest = mine.put(numbered((i + j) % 8))
                mine.describe(digest, tags=f"by {i}")
                assert same(mine.get(digest), numbered((i + j) % 8))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert len(store.entries()) == 8


WRITER = """
import itertools, sys
from pathlib import Path
from core.runs.store import Store
from tests.core.runs.test_store import numbered
store = Store(Path(sys.argv[1]), limit=60_000)
for i in itertools.count(int(sys.argv[2])):
    store.accept(numbered(i).spec, pairs=3)
    print(i, flush=True)
    store.put(numbered(i))
    store.bin(numbered(i - 2).spec.digest)
"""


def test_a_process_killed_at_any_moment_leaves_whole_results_only(tmp_path):
    rng = np.random.default_rng(0)
    for start in range(0, 6000, 1000):
        arguments = [sys.executable, "-c", WRITER, str(tmp_path), str(start)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=os.getcwd()) as writer:
            writer.stdout.readline()
            time.sleep(rng.uniform(0, 0.2))
            writer.send_signal(signal.SIGKILL)
            accepted = [start, *map(int, writer.stdout.read().split())]
        store = Store(tmp_path, limit=60_000)
        assert {entry.state for entry in store.entries()} <= {"done", "interrupted"}
        for entry in store.entries():
            if entry.state == "done":
                assert same(store.get(entry.digest), numbered(int(entry.pairs_digest.split()[1])))
        assert store.entry(numbered(accepted[-1]).spec.digest) is not None
        assert not list((tmp_path / ".work").glob("*.part"))
        assert sqlite3.connect(tmp_path / "store.sqlite").execute("PRAGMA integrity_check").fetchone() == ("ok",)
        store.close()


def test_the_store_lists_five_thousand_runs(store):
    text = json.dumps(make_result().spec.to_json())
    rows = [
        (f"{i:016x}", text, "m", "p", "exact", "kl", "noising", 1, "done", 2.0, None, 0, 0, float(i), 1.0, "n", "t")
        for i in range(5000)
    ]
    database = sqlite3.connect(store.root / "store.sqlite")
    names = "digest, spec, model, pairs_digest, method, metric, direction, pairs, state, seconds, folder, written, size"
    places = ", ".join("?" * 17)
    database.executemany(f"INSERT INTO runs ({names}, created, used, name, tags) VALUES ({places})", rows)
    database.commit()
    assert len(store.entries()) == 5000
