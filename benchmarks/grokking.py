"""Training speed of a row of 16 runs against a plain loop over single runs, on the same data, in one process.

    python -m benchmarks.grokking [--threads N]

The plain loop is what one would write with care: all four positions (keys and values need them), the MLP and the
unembedding at the last one only, fused attention, fused AdamW, a float64 loss. Speeds are medians of alternating turns.
Curves are compared in float64, where both compute the same; in float32 both drift from rounding.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from core.labs.grokking.tasks import make_task
from core.labs.grokking.training.net import logits, start_weights, views
from core.labs.grokking.training.row import Row, Run, Training, answers, training_examples
from core.labs.grokking.training.sizes import Net
from core.labs.grokking.training.train import train

OUT = Path(__file__).parent / "results" / "grokking.json"
TASK, NET = make_task("x + y", 53), Net(p=53, d_model=32, n_heads=4, d_mlp=128)
RUNS, TURNS, STEPS, SAME_STEPS = 16, 3, 200, 100
SIZES = {"one size of 300": [300] * RUNS, "four sizes": [200, 300, 450, 700] * 4}


def row_of(sizes: list[int], steps: int) -> Row:
    """Runs of these sizes, each with its own seed."""
    runs = tuple(Run(seed, size, 1.0) for seed, size in enumerate(sizes))
    return Row(TASK, NET, Training(steps, lr=3e-3, points=2), runs)


class Plain(torch.nn.Module):
    """The same network, one run, as a module."""

    def __init__(self, flat: torch.Tensor):
        super().__init__()
        for name, part in views(NET, flat[None]).items():
            setattr(self, name, torch.nn.Parameter(part[0].clone()))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        stream = self.embed[tokens] + self.pos
        q, k, v = (
            (stream @ part).unflatten(-1, (NET.n_heads, -1)).transpose(1, 2) for part in (self.q, self.k, self.v)
        )
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        last = (stream + z.transpose(1, 2).flatten(2) @ self.o)[:, -1]
        last = last + F.relu(last @ self.w_in + self.b_in) @ self.w_out + self.b_out
        return last @ self.unembed


def plain_loop(row: Row, dtype: torch.dtype = torch.float32) -> np.ndarray:
    """Train one run after another; final training losses [run]."""
    ends = []
    for run in row.runs:
        net = Plain(start_weights(NET, [run.seed], dtype=dtype)[0])
        rates = {"betas": row.training.betas, "weight_decay": run.weight_decay, "fused": True}
        optimiser = torch.optim.AdamW(net.parameters(), lr=row.training.lr, **rates)  # type: ignore[arg-type]
        chosen = training_examples(TASK, run)
        x, y, answer = (torch.tensor(column[chosen]) for column in (TASK.x, TASK.y, answers(TASK, run)))
        tokens = torch.stack([x, torch.full_like(x, NET.p), y, torch.full_like(x, NET.p + 1)], dim=1)
        for step in range(row.training.steps):
            optimiser.param_groups[0]["lr"] = row.training.rate(step)
            loss = F.cross_entropy(net(tokens).double(), answer)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            ends.append(F.cross_entropy(net(tokens).double(), answer).item())
    return np.array(ends)


def autograd_row(row: Row) -> None:
    """The same lookup by case and batch over runs, with gradients by autograd; for runs of one size."""
    flat = start_weights(NET, [run.seed for run in row.runs]).requires_grad_()
    optimiser = torch.optim.AdamW([flat], lr=row.training.lr, betas=row.training.betas, weight_decay=1.0, fused=True)
    chosen = np.stack([training_examples(TASK, run) for run in row.runs])
    x, y, answer = (torch.tensor(column[chosen]) for column in (TASK.x, TASK.y, TASK.answer))
    for _ in range(row.training.steps):
        loss = F.cross_entropy(logits(NET, flat, x, y).flatten(0, 1).double(), answer.flatten())
        optimiser.zero_grad()
        (loss * len(row.runs)).backward()
        optimiser.step()


def speed(work: Callable[[], Any], row: Row) -> float:
    """Runs times steps a second."""
    started = time.perf_counter()
    work()
    return len(row.runs) * row.training.steps / (time.perf_counter() - started)


def compare(sizes: list[int], threads: int) -> dict[str, Any]:
    """Medians of both speeds, and their ratio."""
    row = row_of(sizes, STEPS)
    ways: dict[str, Callable[[], Any]] = {
        "row": lambda: train(row, threads=threads),
        "plain loop": lambda: plain_loop(row),
    }
    if len(set(sizes)) == 1:
        ways["row by autograd"] = lambda: autograd_row(row)
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, work in ways.items():
            torch.set_num_threads(threads)
            found[name].append(speed(work, row))
    medians = {name: round(statistics.median(values), 1) for name, values in found.items()}
    ratios = [a / b for a, b in zip(found["row"], found["plain loop"])]
    return {"run_steps_per_second": medians, "times_as_fast_as_plain": round(statistics.median(ratios), 2)}


def same_curves() -> dict[str, float]:
    """Largest relative difference of the losses after some hundred steps, both in float64, and both in float32."""
    row = row_of([300] * 4, SAME_STEPS)
    found = {}
    for dtype in (torch.float64, torch.float32):
        ours = np.array([measured[-1, 0] for measured in train(row, dtype=dtype, threads=1).measured])
        plain = plain_loop(row, dtype)
        found[str(dtype).removeprefix("torch.")] = float(np.max(np.abs(ours - plain) / plain))
    return found


def main() -> None:
    """Measure and write the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    train(row_of([100], 20))  # everything loaded
    results = {
        "threads": threads,
        "runs": RUNS,
        "steps": STEPS,
        "speed": {name: compare(sizes, threads) for name, sizes in SIZES.items()},
        "largest_relative_difference_of_losses": {"steps": SAME_STEPS, **same_curves()},
    }
    text = json.dumps(results, indent=1)
    OUT.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
