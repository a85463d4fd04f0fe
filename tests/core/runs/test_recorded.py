"""A run in the queue as the store remembers it."""

import json

import pytest

from core.errors import Cancelled, ModelError, SpecError
from core.runs import recorded
from core.runs.laboratory import LabSpec
from core.runs.recorded import submit_lab, submit_recorded
from core.runs.store import Store
from core.runs.worker import Worker
from tests.make_results import make_result

PATIENCE = 120.0


@pytest.fixture
def place(tmp_path):
    worker, store = Worker(), Store(tmp_path)
    yield worker, store
    worker.close()
    store.close()


def ask(place, result, compute=None, owner="a"):
    compute = compute or (lambda on_step, cancelled: result)
    return submit_recorded(*place, result.spec, compute, pairs=3, title="run", owner=owner)


def test_a_run_is_computed_once_and_again_only_after_it_was_deleted(place):
    worker, store = place
    result, computed = make_result(), []

    def compute(on_step, cancelled):
        computed.append(store.entry(result.spec.digest).state)
        return result

    job = ask(place, result, compute)
    assert worker.wait(job, PATIENCE)
    assert (job.result, store.entry(result.spec.digest).state) == (result.spec.digest, "done")
    again = ask(place, result, compute)
    assert worker.wait(again, PATIENCE)
    assert computed == ["running"]
    store.bin(result.spec.digest)
    assert worker.wait(ask(place, result, compute), PATIENCE)
    assert len(computed) == 2
    assert store.has(result.spec.digest)


def test_another_process_that_had_it_first_spares_the_work(place, tmp_path):
    worker, _ = place
    other, result = Store(tmp_path), make_result()
    with other.computing(result.spec.digest):
        job = ask(place, result, lambda *_: pytest.fail("computed twice"))
        assert not worker.wait(job, 0.2)
        other.put(result)
    assert worker.wait(job, PATIENCE)
    assert job.state == "done"


def test_failures_and_cancellations_are_remembered(place):
    worker, store = place
    result = make_result()

    def fail(on_step, cancelled):
        raise ModelError("It does not fit.")

    assert worker.wait(ask(place, result, fail), PATIENCE)
    entry = store.entry(result.spec.digest)
    assert (entry.state, entry.problem) == ("failed", "It does not fit.")
    with store.computing(result.spec.digest):
        job = ask(place, result)
        worker.cancel(job)
        assert worker.wait(job, PATIENCE)
    assert store.entry(result.spec.digest).state == "cancelled"


def test_one_session_cannot_fill_the_queue(place, monkeypatch):
    _, store = place
    monkeypatch.setattr(recorded, "MOST_WAITING", 2)
    first = make_result(pairs_digest="0")
    with store.computing(first.spec.digest):
        ask(place, first)
        ask(place, make_result(pairs_digest="1"))
        with pytest.raises(SpecError, match="queue"):
            ask(place, make_result(pairs_digest="2"))
        assert store.entry(make_result(pairs_digest="2").spec.digest) is None
        assert ask(place, make_result(pairs_digest="2"), owner="b").active


LAB = LabSpec("grokking", "Two runs", settings={"seed": 1})


def ask_lab(place, compute, spec=LAB):
    return submit_lab(*place, spec, compute, items=2, owner="a")


def test_a_laboratory_run_is_kept_with_its_files(place):
    worker, store = place

    def compute(on_step, cancelled, scratch, out):
        on_step(1, 1)
        (out / "models").mkdir()
        (out / "models" / "weights.bin").write_bytes(bytes(10))

    assert worker.wait(ask_lab(place, compute), PATIENCE)
    folder = store.lab(LAB.digest)
    assert {path.name for path in folder.iterdir()} == {"models", "run.json"}
    entry = store.entry(LAB.digest)
    assert (entry.lab, entry.method, entry.pairs, entry.state) == ("grokking", "Two runs", 2, "done")
    assert entry.lab_spec == LAB
    assert entry.size == 10 + (folder / "run.json").stat().st_size
    assert store.get(LAB.digest) is None
    assert not store.checkpoints(LAB.digest).exists()


def test_a_cancelled_laboratory_run_goes_on_where_it_stopped(place, tmp_path):
    worker, store = place
    begun = []

    def compute(on_step, cancelled, scratch, out):
        kept = scratch / "steps"
        done = int(kept.read_text()) if kept.exists() else 0
        begun.append(done)
        if done == 0:
            kept.write_text("5")
            raise Cancelled
        (out / "end").write_text(str(done + 5))

    assert worker.wait(ask_lab(place, compute), PATIENCE)
    assert store.entry(LAB.digest).state == "cancelled"
    store.close()
    again = Store(tmp_path)  # as after a restart
    assert worker.wait(ask_lab((worker, again), compute), PATIENCE)
    assert begun == [0, 5]
    assert (again.lab(LAB.digest) / "end").read_text() == "10"
    again.close()


def test_a_laboratory_run_that_fails_says_so(place):
    worker, store = place

    def compute(on_step, cancelled, scratch, out):
        raise ModelError("No such thing.", next_step="Choose another.")

    assert worker.wait(ask_lab(place, compute), PATIENCE)
    entry = store.entry(LAB.digest)
    assert (entry.state, entry.folder) == ("failed", None)
    assert "No such thing" in entry.problem


def test_what_decides_a_laboratory_run():
    assert LabSpec("grokking", "Other words", settings={"seed": 1}).digest == LAB.digest
    assert LabSpec("grokking", "Two runs", settings={"seed": 2}).digest != LAB.digest
    assert LabSpec.from_json(json.loads(json.dumps(LAB.to_json()))) == LAB
    for wrong in ({}, {"lab": 1}, LAB.to_json() | {"more": 1}, LAB.to_json() | {"settings": []}):
        with pytest.raises(SpecError):
            LabSpec.from_json(wrong)
    for lab, title, settings in (("../x", "t", {}), ("x", "", {}), ("x", "t", {"a": float("nan")}), ("x", "t", {1j})):
        with pytest.raises(SpecError):
            LabSpec(lab, title, settings=settings)
