"""Rows of runs: equal to single runs, the same on any number of threads, and to be gone on with after a kill."""

import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core.errors import Cancelled, SpecError
from core.labs.grokking.tasks import make_task
from core.labs.grokking.training.net import start_weights
from core.labs.grokking.training.row import Row, Run, Training, answers, spread, training_examples
from core.labs.grokking.training.sizes import Net
from core.labs.grokking.training.train import group_members, train
from core.paths import ROOT
from tests.core.labs.grokking.test_step import plain_logits

TASK, NET = make_task("x + y", 11), Net(p=11, d_model=12, n_heads=3, d_mlp=16)
RUNS = (Run(0, 60, 1.0), Run(1, 60, 0.3), Run(2, 50, 1.0), Run(3, 20, 1.0), Run(4, 40, 1.0, labels="random"))


def row(steps=60, **options):
    return Row(TASK, NET, Training(steps, lr=5e-3, points=12), RUNS, **options)


def plain_curve(run, training):
    """One run, trained as anybody would with torch."""
    flat = start_weights(NET, [run.seed], dtype=torch.float64)[0].requires_grad_()
    optimiser = torch.optim.AdamW([flat], lr=1.0, betas=training.betas, weight_decay=run.weight_decay)
    chosen = training_examples(TASK, run)
    x, y = torch.tensor(TASK.x[chosen]), torch.tensor(TASK.y[chosen])
    answer = torch.tensor(answers(TASK, run)[chosen])
    losses = []
    for step in range(training.steps + 1):
        loss = torch.nn.functional.cross_entropy(plain_logits(NET, flat, x, y), answer)
        losses.append(loss.item())
        optimiser.param_groups[0]["lr"] = training.rate(step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return np.array(losses)


def test_a_row_gives_the_curves_of_single_plain_runs():
    record = train(row(), dtype=torch.float64)
    at = row().training.measured_at()
    for run, measured in zip(RUNS, record.measured):
        np.testing.assert_allclose(measured[:, 0], plain_curve(run, row().training)[at], rtol=1e-8)


def test_curves_do_not_depend_on_threads():
    one, two = train(row(), threads=1), train(row(), threads=2)
    np.testing.assert_array_equal(one.final, two.final)
    for a, b in zip(one.measured, two.measured):
        np.testing.assert_array_equal(a, b)


def test_groups_hold_every_run_once_and_waste_little():
    many = Row(TASK, NET, Training(1, lr=1e-3), tuple(Run(i, 20 + i, 1.0) for i in range(100)))
    groups = group_members(many)
    assert sorted(i for group in groups for i in group) == list(range(100))
    for group in groups:
        sizes = [many.runs[i].n_train for i in group]
        assert min(sizes) >= 0.8 * max(sizes)
        assert max(sizes) * len(sizes) <= 3000


def test_weights_are_kept_where_asked():
    record = train(row(kept_at=(0, 7, 60)))
    assert all(kept.shape == (3, NET.size) for kept in record.kept)
    np.testing.assert_array_equal(record.kept[2][0], start_weights(NET, [2])[0])
    np.testing.assert_array_equal(record.kept[2][-1], record.final[2])


def test_cancelled_runs_go_on_to_the_same_curve(tmp_path, monkeypatch):
    monkeypatch.setattr("core.labs.grokking.training.train.POLL_SECONDS", 0.01)
    steps, asked = 600, []
    whole = train(row(steps), threads=1)

    def third_time():
        asked.append(None)
        return len(asked) > 2

    with pytest.raises(Cancelled):
        train(row(steps), scratch=tmp_path, threads=1, cancelled=third_time)
    assert list(tmp_path.glob("group-*.safetensors"))
    assert any(load_file(file)["step"] < steps for file in tmp_path.glob("group-*.safetensors"))
    resumed = train(row(steps), scratch=tmp_path, threads=1)
    np.testing.assert_array_equal(resumed.final, whole.final)
    for a, b in zip(resumed.measured, whole.measured):
        np.testing.assert_array_equal(a, b)


KILLED = """
import os, pathlib, signal, sys
from core.labs.grokking.training import group, train
from tests.core.labs.grokking.test_train import row
train.SAVE_SECONDS = 0.0
saves, save = [], group.Group.save
def counted(self, path):
    save(self, path)
    saves.append(path)
    if len(saves) == 8:
        os.kill(os.getpid(), signal.SIGKILL)
group.Group.save = counted
train.train(row(600), scratch=pathlib.Path(sys.argv[1]), threads=1)
"""


def test_a_killed_process_is_gone_on_with(tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    steps = [int(load_file(file)["step"]) for file in tmp_path.glob("group-*.safetensors")]
    assert any(0 < step < 600 for step in steps)
    np.testing.assert_array_equal(train(row(600), scratch=tmp_path).final, train(row(600)).final)


def test_a_smaller_set_is_part_of_a_larger_one():
    assert set(training_examples(TASK, Run(5, 10, 1.0))) < set(training_examples(TASK, Run(5, 40, 1.0)))


def test_points_begin_and_end_with_the_run():
    points = spread(5000, 100)
    assert points[0] == 0
    assert points[-1] == 5000
    assert 60 < len(points) <= 102
    assert points == sorted(set(points))


@pytest.mark.parametrize("run", [Run(0, 0, 1.0), Run(0, 122, 1.0), Run(0, 5, -1.0), Run(-1, 5, 1.0)])
def test_impossible_runs_are_refused(run):
    with pytest.raises(SpecError):
        Row(TASK, NET, Training(5, lr=1e-3), (run,))
