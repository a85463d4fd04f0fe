"""The queue in front of the model: order, sharing, cancelling, failures, and why it has to exist."""

import threading

import pytest

from core.errors import Cancelled, ModelError, UserError
from core.runs.worker import Worker

PATIENCE = 120.0


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.close()


class Gate:
    """A task that reports, then waits until it is opened or cancelled."""

    def __init__(self):
        self.entered, self.open = threading.Event(), threading.Event()

    def __call__(self, on_step, cancelled):
        on_step(1, 4)
        self.entered.set()
        while not self.open.wait(0.005):
            if cancelled():
                raise Cancelled
        return "through"


def submit(worker, key, task, owner="a"):
    return worker.submit(key, title=key, task=task, owner=owner)


def test_jobs_run_one_at_a_time_in_order(worker):
    gate, seen = Gate(), []
    first = submit(worker, "gate", gate)
    later = [submit(worker, f"job {i}", lambda *_, i=i: seen.append(i)) for i in range(3)]
    assert gate.entered.wait(PATIENCE)
    assert [worker.position(job) for job in [first, *later]] == [0, 1, 2, 3]
    assert worker.queue() == [first, *later]
    assert seen == []
    gate.open.set()
    assert worker.wait(later[-1], PATIENCE)
    assert seen == [0, 1, 2]
    assert first.result == "through"
    assert worker.queue() == []


def test_whoever_was_served_longest_ago_is_next(worker):
    gate, seen = Gate(), []
    submit(worker, "gate", gate, owner="greedy")
    assert gate.entered.wait(PATIENCE)
    greedy = [submit(worker, f"greedy {i}", lambda *_, i=i: seen.append(f"greedy {i}"), "greedy") for i in range(3)]
    modest = [submit(worker, f"modest {i}", lambda *_, i=i: seen.append(f"modest {i}"), "modest") for i in range(2)]
    order = ["modest 0", "greedy 0", "modest 1", "greedy 1", "greedy 2"]
    assert [job.key for job in worker.queue()] == ["gate", *order]
    assert worker.position(modest[0]) == 1
    gate.open.set()
    assert all(worker.wait(job, PATIENCE) for job in greedy + modest)
    assert seen == order


def test_a_waiting_job_knows_when_it_should_start(worker):
    gate = Gate()
    worker.submit("gate", title="gate", task=gate, owner="a", expected=8.0)
    assert gate.entered.wait(PATIENCE)
    known = worker.submit("known", title="known", task=lambda *_: None, owner="b", expected=5.0)
    second = worker.submit("second", title="second", task=lambda *_: None, owner="c", expected=None)
    third = submit(worker, "third", lambda *_: None, owner="d")
    running = worker.queue()[0]
    assert worker.starts_in(known) == pytest.approx(running.seconds_left, rel=0.5)
    assert worker.starts_in(second) == pytest.approx(running.seconds_left + 5, rel=0.2)
    assert worker.starts_in(third) is None
    gate.open.set()


def test_a_kept_job_goes_on_when_its_browser_is_gone_but_can_be_cancelled(worker):
    gates = [Gate(), Gate()]
    kept = [worker.submit(str(i), title="", task=gate, owner="a", kept=True) for i, gate in enumerate(gates)]
    assert gates[0].entered.wait(PATIENCE)
    worker.leave("a")
    assert [job.active for job in kept] == [True, True]
    worker.join(kept[1], "b")
    worker.cancel(kept[1], owner="b")
    assert kept[1].state == "cancelled"
    gates[0].open.set()
    assert worker.wait(kept[0], PATIENCE)
    assert kept[0].state == "done"


def test_the_end_is_told_before_anybody_sees_it(worker):
    told = []

    def fail(on_step, cancelled):
        raise ModelError("no")

    def submitted(key, task):
        return worker.submit(key, title=key, task=task, owner="a", ended=lambda state, error: told.append((key, state)))

    gate = Gate()
    jobs = [submitted("fails", fail), submitted("gate", gate), submitted("waits", lambda *_: None)]
    assert gate.entered.wait(PATIENCE)
    worker.cancel(jobs[2])
    gate.open.set()
    assert all(worker.wait(job, PATIENCE) for job in jobs)
    assert told == [("fails", "failed"), ("waits", "cancelled"), ("gate", "done")]


def test_every_task_runs_in_the_same_thread(worker):
    jobs = [submit(worker, str(i), lambda *_: threading.get_ident()) for i in range(3)]
    assert all(worker.wait(job, PATIENCE) for job in jobs)
    assert len({job.result for job in jobs}) == 1
    assert jobs[0].result != threading.get_ident()


def test_equal_keys_share_one_job_while_queued_running_or_done(worker):
    gate, runs = Gate(), []
    running = submit(worker, "gate", gate)
    assert gate.entered.wait(PATIENCE)
    assert submit(worker, "gate", gate, owner="b") is running
    queued = submit(worker, "twice", lambda *_: runs.append(1))
    assert submit(worker, "twice", lambda *_: runs.append(1), owner="b") is queued
    gate.open.set()
    assert worker.wait(queued, PATIENCE)
    assert submit(worker, "twice", lambda *_: runs.append(1)) is queued
    assert runs == [1]


def test_a_shared_job_stops_only_when_its_last_owner_leaves(worker):
    gate = Gate()
    job = submit(worker, "gate", gate, owner="a")
    submit(worker, "gate", gate, owner="b")
    worker.leave("a")
    assert not worker.wait(job, 0.1)
    assert job.state == "running"
    worker.leave("b")
    assert worker.wait(job, PATIENCE)
    assert job.state == "cancelled"


def test_a_reloaded_page_keeps_its_job_alive(worker):
    gate = Gate()
    job = submit(worker, "gate", gate, owner="old page")
    worker.join(worker.find("gate"), "new page")
    worker.leave("old page")
    gate.open.set()
    assert worker.wait(job, PATIENCE)
    assert job.result == "through"


def test_cancel_reaches_a_running_task(worker):
    gate = Gate()
    job = submit(worker, "gate", gate)
    assert gate.entered.wait(PATIENCE)
    worker.cancel(job)  # the gate stays shut: only the cancel can end it
    assert worker.wait(job, PATIENCE)
    assert job.state == "cancelled"
    assert job.result is None
    assert job.error is None


def test_a_cancelled_queued_job_never_runs_and_may_be_asked_for_again(worker):
    gate, runs = Gate(), []
    submit(worker, "gate", gate)
    queued = submit(worker, "later", lambda *_: runs.append(1))
    worker.cancel(queued)
    assert queued.state == "cancelled"
    again = submit(worker, "later", lambda *_: runs.append(2))
    assert again is not queued
    gate.open.set()
    assert worker.wait(again, PATIENCE)
    assert runs == [2]


def test_asking_again_while_the_old_run_is_still_stopping_starts_a_new_one(worker):
    gate = Gate()
    slow = threading.Event()

    def stubborn(on_step, cancelled):
        gate.entered.set()
        slow.wait(PATIENCE)
        raise Cancelled

    old = submit(worker, "same", stubborn)
    assert gate.entered.wait(PATIENCE)
    worker.cancel(old)
    new = submit(worker, "same", lambda *_: "fresh")
    assert new is not old
    slow.set()
    assert worker.wait(new, PATIENCE)
    assert worker.find("same") is new
    assert (old.state, new.result) == ("cancelled", "fresh")


def test_a_user_error_is_kept_as_it_is_and_the_queue_goes_on(worker):
    error = ModelError("No such model.", next_step="Choose another.")

    def fail(on_step, cancelled):
        raise error

    failed, fine = submit(worker, "bad", fail), submit(worker, "good", lambda *_: 7)
    assert worker.wait(fine, PATIENCE)
    assert failed.state == "failed"
    assert failed.error is error
    assert fine.result == 7


def test_an_unexpected_fault_shows_an_id_and_no_details(worker, caplog):
    def fail(on_step, cancelled):
        raise ZeroDivisionError("secret detail")

    job = submit(worker, "bad", fail)
    assert worker.wait(job, PATIENCE)
    assert isinstance(job.error, UserError)
    assert job.id in job.error.one_line()
    assert "secret" not in job.error.one_line()
    assert "secret detail" in caplog.text
    assert job.id in caplog.text


def test_failed_work_is_tried_again(worker):
    outcomes = iter([UserError("not yet"), None])

    def task(on_step, cancelled):
        if (outcome := next(outcomes)) is not None:
            raise outcome
        return "ok"

    first = submit(worker, "key", task)
    assert worker.wait(first, PATIENCE)
    second = submit(worker, "key", task)
    assert worker.wait(second, PATIENCE)
    assert (first.state, second.state, second.result) == ("failed", "done", "ok")


def test_progress_and_time_left(worker):
    gate = Gate()
    job = submit(worker, "gate", gate)
    assert gate.entered.wait(PATIENCE)
    assert job.fraction == 0.25
    assert job.seconds_left > 0
    job.started_at -= 1000
    assert job.seconds_left == pytest.approx(3000, rel=0.2)
    gate.open.set()
    assert worker.wait(job, PATIENCE)
    assert job.seconds_left is None


def test_only_the_last_results_are_remembered():
    worker = Worker(keep=2)
    jobs = [submit(worker, str(i), lambda *_: None) for i in range(2)]
    assert all(worker.wait(job, PATIENCE) for job in jobs)
    assert worker.find("0") is jobs[0]  # a look makes it the more recent of the two
    third = submit(worker, "2", lambda *_: None)
    assert worker.wait(third, PATIENCE)
    assert worker.find("1") is None
    assert worker.find("0") is jobs[0]
    worker.close()


def test_close_cancels_and_refuses():
    worker, gate = Worker(), Gate()
    running, queued = submit(worker, "gate", gate), submit(worker, "later", lambda *_: None)
    assert gate.entered.wait(PATIENCE)
    worker.close()
    assert (running.state, queued.state) == ("cancelled", "cancelled")
    with pytest.raises(UserError, match="closed"):
        submit(worker, "more", lambda *_: None)


def test_two_sessions_at_once_get_right_answers_from_one_model(worker):
    """One session patches with hooks, the other reads plain logits; through the queue neither sees the other."""
    torch = pytest.importorskip("torch")
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(n_layer=2, n_head=2, n_embd=16, vocab_size=50, n_positions=16)).eval()
    ids = torch.arange(8)[None]

    def plain(on_step, cancelled):
        with torch.inference_mode():
            return model(ids).logits

    def patched(on_step, cancelled):
        hook = model.transformer.h[0].register_forward_hook(lambda module, args, out: torch.zeros_like(out))
        try:
            return plain(on_step, cancelled)
        finally:
            hook.remove()

    def zeroed_by_hand():
        with torch.inference_mode():
            hidden = model.transformer.h[1](torch.zeros(1, 8, 16))
            hidden = hidden[0] if isinstance(hidden, tuple) else hidden
            return model.lm_head(model.transformer.ln_f(hidden))

    expected = {"plain": plain(None, None), "patched": zeroed_by_hand()}
    assert not torch.allclose(expected["plain"], expected["patched"])
    jobs = {"plain": [], "patched": []}

    def session(name, task):
        for i in range(40):
            jobs[name].append(submit(worker, f"{name} {i}", task, owner=name))

    threads = [threading.Thread(target=session, args=pair) for pair in (("plain", plain), ("patched", patched))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, mine in jobs.items():
        for job in mine:
            assert worker.wait(job, PATIENCE)
            torch.testing.assert_close(job.result, expected[name])
