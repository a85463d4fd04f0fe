"""One worker thread owns the model: every run, from any browser session, waits in its queue.

Hooks live on the model, not on the caller. Two threads on one model read each other's patches, so this queue
is what makes answers right; it is not there for speed.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from core.errors import Cancelled, UserError

State = Literal["queued", "running", "done", "failed", "cancelled"]


class OnStep(Protocol):
    """How a task reports; what it is doing, in words, where the numbers alone do not say it."""

    def __call__(self, done: int, total: int, doing: str = "", /) -> None: ...


Task = Callable[[OnStep, Callable[[], bool]], Any]
Ended = Callable[[State, UserError | None], None]

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Job:
    """One piece of work. Written by the worker, read by anyone.

    Attributes:
        key: what the work is (a spec digest); equal keys share one job.
        title: the work in words, for the queue.
        owners: sessions that wait for it; the job stops when the last of them cancels.
        kept: whether it goes on when the last of them just leaves, as by closing the browser.
        expected: seconds it should take, from a cost estimate; None: unknown.
        done, total: steps, as the task reports them; ``total`` is 0 until it does. doing: what it does now, in words.
        queued_at, started_at, finished_at: seconds of ``time.monotonic``, None: not yet.
        result: what the task returned. error: why it failed, always fit to show.
    """

    key: str
    title: str
    owners: set[str]
    kept: bool = False
    expected: float | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    state: State = "queued"
    done: int = 0
    total: int = 0
    doing: str = ""
    queued_at: float = field(default_factory=time.monotonic)
    started_at: float | None = None
    finished_at: float | None = None
    result: Any = None
    error: UserError | None = None
    stop: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def active(self) -> bool:
        """Whether the job still waits or runs."""
        return self.state in ("queued", "running")

    @property
    def fraction(self) -> float:
        """Share of the steps done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time left at the pace so far, in seconds; None before there is a pace."""
        if self.state != "running" or self.started_at is None or not self.done:
            return None
        return (time.monotonic() - self.started_at) * (self.total - self.done) / self.done


class Worker:
    """A queue in front of one thread, fair between owners: whoever was served longest ago is next.

    Args:
        keep: how many finished jobs (and their results) are remembered, the least recently used leaving first.
    """

    def __init__(self, *, keep: int = 32):
        self._keep = keep
        self._lock = threading.Condition()
        self._tasks: dict[str, Task] = {}
        self._ended: dict[str, Ended] = {}
        self._waiting: list[Job] = []
        self._served: dict[str, int] = {}  # owner -> its latest turn
        self._turn = 0
        self._running: Job | None = None
        self._finished: OrderedDict[str, Job] = OrderedDict()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="model-worker", daemon=True)
        self._thread.start()

    def submit(
        self,
        key: str,
        *,
        title: str,
        task: Task,
        owner: str,
        kept: bool = False,
        expected: float | None = None,
        ended: Ended | None = None,
    ) -> Job:
        """Ask for a piece of work; the same key waiting, running or done gives the same job.

        ``task(on_step, cancelled)`` runs in the worker thread. It reports ``on_step(done, total)`` and raises
        ``Cancelled`` soon after ``cancelled()`` becomes true. ``ended(state, error)`` is called just before the
        job counts as finished; ``kept`` and ``expected`` are those of ``Job``.
        """
        with self._lock:
            if self._closed:
                raise UserError("The queue is closed.", next_step="Restart the app.")
            job = self.find(key)
            if job is not None and job.state not in ("failed", "cancelled") and not job.stop.is_set():
                job.owners.add(owner)
                job.kept |= kept
                return job
            job = Job(key=key, title=title, owners={owner}, kept=kept, expected=expected)
            self._tasks[job.id] = task
            if ended is not None:
                self._ended[job.id] = ended
            self._waiting.append(job)
            self._lock.notify_all()
            return job

    def find(self, key: str) -> Job | None:
        """The newest job with this key, or None; a finished one counts as just used."""
        with self._lock:
            for job in reversed(self.queue()):
                if job.key == key:
                    return job
            if key in self._finished:
                self._finished.move_to_end(key)
            return self._finished.get(key)

    def forget(self, key: str) -> None:
        """Forget a finished job, so that the same work can be asked for again."""
        with self._lock:
            self._finished.pop(key, None)

    def join(self, job: Job, owner: str) -> None:
        """Wait for a job along with its other owners, as after a page was reloaded."""
        with self._lock:
            if job.active and not job.stop.is_set():
                job.owners.add(owner)

    def queue(self) -> list[Job]:
        """The running job, if any, then the waiting ones in the order in which they would run now."""
        with self._lock:
            order, left = [], list(self._waiting)
            served, turn = dict(self._served), self._turn
            while left:
                job = min(left, key=lambda job: min((served.get(owner, 0) for owner in job.owners), default=0))
                left.remove(job)
                order.append(job)
                turn += 1
                served |= dict.fromkeys(job.owners, turn)
            return ([self._running] if self._running else []) + order

    def position(self, job: Job) -> int:
        """How many jobs come before this one; 0 for a job that runs or is finished."""
        with self._lock:
            queue = self.queue()
            return queue.index(job) if job in queue else 0

    def starts_in(self, job: Job) -> float | None:
        """Seconds until a waiting job should start; None where a job before it is of unknown length."""
        with self._lock:
            before = self.queue()[: self.position(job)]
        left = [other.expected if other.seconds_left is None else other.seconds_left for other in before]
        return None if None in left else sum(seconds for seconds in left if seconds is not None)

    def cancel(self, job: Job, *, owner: str | None = None) -> None:
        """Withdraw one owner (None: all of them); the job stops when nobody waits for it any more."""
        with self._lock:
            job.owners = job.owners - {owner} if owner is not None else set()
            if job.owners or not job.active:
                return
            job.stop.set()
            if job not in self._waiting:
                return
            self._waiting.remove(job)
        self._finish(job, "cancelled")

    def leave(self, owner: str) -> None:
        """Withdraw an owner from every job, as when a browser session ends; kept jobs go on without one."""
        for job in self.queue():
            if owner in job.owners and job.kept and len(job.owners) == 1:
                job.owners = set()
            elif owner in job.owners:
                self.cancel(job, owner=owner)

    def wait(self, job: Job, timeout: float) -> bool:
        """Block until the job is finished or the time (seconds) is over; whether it is finished."""
        with self._lock:
            return self._lock.wait_for(lambda: not job.active, timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Cancel everything and end the thread, waiting at most ``timeout`` seconds."""
        with self._lock:
            self._closed = True
            for job in self.queue():
                self.cancel(job)
            self._lock.notify_all()
        self._thread.join(timeout)

    def _loop(self) -> None:
        while (job := self._next()) is not None:
            self._run(job)

    def _next(self) -> Job | None:
        with self._lock:
            self._lock.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            job = self._running = self.queue()[0]
            self._waiting.remove(job)
            self._turn += 1
            self._served |= dict.fromkeys(job.owners, self._turn)
            job.state, job.started_at = "running", time.monotonic()
            return job

    def _run(self, job: Job) -> None:
        def on_step(done: int, total: int, doing: str = "", /) -> None:
            job.done, job.total, job.doing = done, total, doing

        try:
            job.result = self._tasks[job.id](on_step, job.stop.is_set)
            state: State = "done"
        except Cancelled:
            state = "cancelled"
        except UserError as error:
            # Without its traceback: the frames would keep activations alive.
            job.error, state = error.with_traceback(None), "failed"
        except Exception:
            # The traceback belongs in the log; the person gets an id to find it by.
            _log.exception("Job %s (%s) failed", job.id, job.title)
            job.error, state = _unexpected(job.id), "failed"
        self._finish(job, state)

    def _finish(self, job: Job, state: State) -> None:
        ended = self._ended.pop(job.id, None)
        if ended is not None:
            try:
                ended(state, job.error)
            except Exception:
                _log.exception("The end of job %s (%s) could not be told", job.id, job.title)
        with self._lock:
            if self._running is job:
                self._running = None
            job.state, job.finished_at = state, time.monotonic()
            self._tasks.pop(job.id, None)
            self._finished[job.key] = job
            self._finished.move_to_end(job.key)
            while len(self._finished) > self._keep:
                self._finished.popitem(last=False)
            self._lock.notify_all()


def _unexpected(job_id: str) -> UserError:
    return UserError(
        "The run stopped because of a fault in the program.",
        next_step=f"Try again; if it happens again, look for {job_id} in the server's log.",
    )
