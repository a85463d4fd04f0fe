"""Training a whole row: runs in groups, groups over threads, progress, checkpoints.

Runs of similar size form one batch (``group.Group``), small enough for its arrays to stay in a core's cache; on a GPU
all of them do. Groups share no number, so each thread trains its own with one thread of matrix products, which beats
two threads on every small product, and a run's curve does not depend on how many cores there are.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.errors import Cancelled
from core.labs.grokking.training.group import Group
from core.labs.grokking.training.net import start_weights
from core.labs.grokking.training.row import Row

GROUP_EXAMPLES = {"cpu": 2200, "cuda": 2_000_000}
WASTE = 0.8  # a run may be filled up with empty examples to 1 / WASTE of its size
SAVE_SECONDS, POLL_SECONDS = 5.0, 0.25
OnProgress = Callable[["Record", float], None]


@dataclass(frozen=True, eq=False)
class Record:
    """What is known of a row, finished or not.

    Attributes:
        row: what was trained.
        measured: one array [point, column] of ``row.COLUMNS`` a run; points are the first of
            ``row.training.measured_at()``, as many as the run has reached.
        kept: one array [moment, size] of weights a run, at the first of ``row.kept_at``.
        final: weights [run, size]: where the runs are now.
    """

    row: Row
    measured: tuple[np.ndarray, ...]
    kept: tuple[np.ndarray, ...]
    final: np.ndarray


def train(
    row: Row,
    *,
    start: Tensor | None = None,
    scratch: Path | None = None,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    threads: int | None = None,
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Record:
    """Train every run of a row.

    Args:
        start: weights [run, size] to begin with; default: fresh ones from each run's seed.
        scratch: folder for checkpoints; what lies there from a run that was cut off is gone on from.
        threads: default: one a core.
        on_progress: called a few times a second with the record so far and the share of the work done.

    Raises:
        Cancelled: ``cancelled()`` became true; the checkpoints are there.
    """
    weights = start_weights(row.net, (run.seed for run in row.runs)) if start is None else start
    weights = weights.to(device=device, dtype=dtype)
    groups = [Group(row, members, weights[list(members)]) for members in group_members(row, device)]
    files = [scratch / f"group-{i}.safetensors" if scratch else None for i in range(len(groups))]
    for group, file in zip(groups, files):
        if file and file.exists():
            group.restore(file)
    stop = threading.Event()
    cores = threads or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    hands = min(cores, len(groups)) if device == "cpu" else 1
    shares = _shares(groups, hands)
    with ThreadPoolExecutor(hands) as pool, _stopping(stop):
        work = [
            pool.submit(_train_share, [(groups[i], files[i]) for i in share], stop, max(1, cores // hands))
            for share in shares
        ]
        while wait(work, POLL_SECONDS).not_done and not any(job.done() and job.exception() for job in work):
            if cancelled and cancelled():
                stop.set()
            elif on_progress:
                on_progress(_record(row, groups), _fraction(groups))
    for job in work:
        job.result()
    if not all(group.finished for group in groups):
        raise Cancelled
    return _record(row, groups)


def group_members(row: Row, device: str = "cpu") -> list[tuple[int, ...]]:
    """Numbers of the runs that train as one batch: neighbours in size, together within the device's measure."""
    most = GROUP_EXAMPLES[torch.device(device).type]
    groups: list[list[int]] = []
    for i in sorted(range(len(row.runs)), key=lambda i: -row.runs[i].n_train):
        size = row.runs[i].n_train
        largest = row.runs[groups[-1][0]].n_train if groups else 0
        if groups and (len(groups[-1]) + 1) * largest <= most and size >= WASTE * largest:
            groups[-1].append(i)
        else:
            groups.append([i])
    return [tuple(group) for group in groups]


def _shares(groups: list[Group], hands: int) -> list[list[int]]:
    """Groups for each thread, the dearest dealt first, always to the thread with the least to do."""
    shares: list[list[int]] = [[] for _ in range(hands)]
    load = [0] * hands
    for i in sorted(range(len(groups)), key=lambda i: -groups[i].cost):
        least = load.index(min(load))
        shares[least].append(i)
        load[least] += groups[i].cost
    return shares


def _train_share(share: list[tuple[Group, Path | None]], stop: threading.Event, products: int) -> None:
    """Train the groups of one thread in turns, so that all their curves grow together."""
    torch.set_num_threads(products)
    saved = time.monotonic()
    while not stop.is_set() and (left := [group for group, _ in share if not group.finished]):
        min(left, key=lambda group: group.step).advance(stop.is_set)
        if time.monotonic() - saved > SAVE_SECONDS:
            _save(share)
            saved = time.monotonic()
    _save(share)


def _save(share: list[tuple[Group, Path | None]]) -> None:
    for group, file in share:
        if file:
            group.save(file)


@contextmanager
def _stopping(stop: threading.Event) -> Iterator[None]:
    """Let threads end, and restore how many threads matrix products take, however the work ends."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        stop.set()
        torch.set_num_threads(before)


def _fraction(groups: list[Group]) -> float:
    done = sum(group.cost * group.step / group.row.training.steps for group in groups)
    return done / sum(group.cost for group in groups)


def _record(row: Row, groups: list[Group]) -> Record:
    measured: list[np.ndarray] = [np.empty(0)] * len(row.runs)
    kept, final = list(measured), list(measured)
    for group in groups:
        points, moments, now = np.array(group.measured[:]), np.array(group.kept[:]), group.flat.cpu().numpy()
        for i, member in enumerate(group.members):
            measured[member] = points[:, i] if len(points) else points
            kept[member] = moments[:, i] if len(moments) else moments
            final[member] = now[i].copy()
    return Record(row, tuple(measured), tuple(kept), np.stack(final))
