"""A run in the queue as the store remembers it."""

import pytest

from core.errors import ModelError, SpecError
from core.runs import recorded
from core.runs.recorded import submit_recorded
from core.runs.store import Store
from core.runs.worker import Worker
from tests.make_results import make_result

PATIENCE = 10.0


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
