"""Trains the label-binding toy: two layers of four attention heads, no MLP, no norms, 64 wide.

    python -m core.labs.multiple_choice.toy.train

writes two models below ``assets/models`` (finished, and stopped early) and their curve. The early one is the first
checkpoint that answers 95 % of the prompts labelled A to D: by then it has not yet learned other labels as well.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from core.labs.multiple_choice.questions.layouts import MUTATIONS, Mutation, draw_labels
from core.labs.multiple_choice.questions.questions import N_OPTIONS
from core.labs.multiple_choice.toy.task import FORMATS, VOCABULARY, Batch, Template, draw, template, toy_tokenizer
from core.models.catalogue import SHIPPED
from core.models.toy import save_toy, toy_hf
from core.paths import ASSETS

FINISHED, EARLY = "label-binding", "label-binding-early"
CURVE = ASSETS / "labs" / "multiple_choice" / "training.csv"
LEARNED = 0.95  # accuracy on plain labels at which the early model is kept
N_CTX, WIDTH, HEADS, LAYERS = 32, 64, 4, 2
D_HEAD = WIDTH // HEADS
Parameters = dict[str, Tensor]


@dataclass(frozen=True)
class Plan:
    """How it is trained; a step sees ``groups`` groups of four prompts in one format."""

    steps: int = 3000
    groups: int = 64
    rate: float = 3e-3
    warm: int = 100
    decay: float = 0.01
    every: int = 50
    seed: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """Weights at a step, and how often it was right (among the four labels), by mutation."""

    step: int
    weights: Parameters
    accuracy: dict[Mutation, float]


def fresh(generator: torch.Generator) -> Parameters:
    """Random parameters, named and shaped as GPT-2's."""

    def normal(*shape: int, std: float) -> Tensor:
        return torch.randn(*shape, generator=generator) * std

    narrow = WIDTH**-0.5
    out = {
        "transformer.wte.weight": normal(len(VOCABULARY), WIDTH, std=0.3),
        "transformer.wpe.weight": normal(N_CTX, WIDTH, std=0.1),
        "lm_head.weight": normal(len(VOCABULARY), WIDTH, std=0.1),
    }
    for layer in range(LAYERS):
        attention = f"transformer.h.{layer}.attn"
        out[f"{attention}.c_attn.weight"] = normal(WIDTH, 3 * WIDTH, std=narrow)
        out[f"{attention}.c_attn.bias"] = torch.zeros(3 * WIDTH)
        out[f"{attention}.c_proj.weight"] = normal(WIDTH, WIDTH, std=narrow / math.sqrt(2 * LAYERS))
        out[f"{attention}.c_proj.bias"] = torch.zeros(WIDTH)
    return out


def logits(weights: Parameters, batch: Batch) -> Tensor:
    """Logits after every prompt of a batch, ``[group, 4, vocabulary]``; shared tokens are computed once a group."""
    embed, places = weights["transformer.wte.weight"], weights["transformer.wpe.weight"]
    shared, own = batch.shared.shape[1], batch.own.shape[2]
    x = embed[batch.shared] + places[:shared]  # [group, position, width]
    y = embed[batch.own] + places[shared : shared + own]  # [group, 4, position, width]
    for layer in range(LAYERS):
        x, y = _block(weights, f"transformer.h.{layer}.attn", x, y, last=layer == LAYERS - 1)
    return y[:, :, -1] @ weights["lm_head.weight"].T


def _block(weights: Parameters, name: str, x: Tensor, y: Tensor, *, last: bool) -> tuple[Tensor, Tensor]:
    """One layer; the last one runs only the last position."""

    def project(stream: Tensor) -> tuple[Tensor, ...]:
        flat = stream @ weights[f"{name}.c_attn.weight"] + weights[f"{name}.c_attn.bias"]
        return flat.unflatten(-1, (3, HEADS, D_HEAD)).movedim((-3, -2), (0, 2)).unbind(0)

    def write(z: Tensor) -> Tensor:  # [group, head, ..., d_head] -> [group, ..., width]
        return z.movedim(1, -2).flatten(-2) @ weights[f"{name}.c_proj.weight"] + weights[f"{name}.c_proj.bias"]

    q, k, v = project(x)  # [group, head, position, d_head]
    own_q, own_k, own_v = project(y)  # [group, head, 4, position, d_head]
    mask = torch.full((y.shape[2],) * 2, float("-inf")).triu(1)
    if last:
        own_q, mask, y = own_q[:, :, :, -1:], mask[-1:], y[:, :, -1:]
    before = torch.einsum("ghcqd,ghkd->ghcqk", own_q, k)
    within = own_q @ own_k.transpose(-1, -2) + mask
    pattern = (torch.cat([before, within], -1) * D_HEAD**-0.5).softmax(-1)
    n = x.shape[1]
    y = y + write(torch.einsum("ghcqk,ghkd->ghcqd", pattern[..., :n], v) + pattern[..., n:] @ own_v)
    if not last:
        x = x + write(F.scaled_dot_product_attention(q, k, v, is_causal=True))
    return x, y


def train(plan: Plan) -> Iterator[Checkpoint]:
    """Train with AdamW; a checkpoint every so many steps, the last one at the end."""
    generator = torch.Generator().manual_seed(plan.seed)
    weights = {name: tensor.requires_grad_() for name, tensor in fresh(generator).items()}
    optimiser = torch.optim.AdamW(
        weights.values(), lr=plan.rate, betas=(0.9, 0.98), weight_decay=plan.decay, foreach=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, _schedule(plan))
    frames, tests = [template(name) for name in FORMATS], _tests()
    for step in range(plan.steps + 1):
        if step % plan.every == 0 or step == plan.steps:
            kept = {name: tensor.detach().clone() for name, tensor in weights.items()}
            yield Checkpoint(step, kept, {name: _accuracy(kept, batch) for name, batch in tests.items()})
        batch = draw(frames[int(torch.randint(len(frames), (), generator=generator))], plan.groups, generator)
        loss = F.cross_entropy(logits(weights, batch).flatten(0, 1), batch.labels.flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
        optimiser.step()
        schedule.step()


def _schedule(plan: Plan) -> Callable[[int], float]:
    """A short rise, then half a cosine down to a twentieth."""
    return lambda s: min(1.0, s / plan.warm) * (0.525 + 0.475 * math.cos(math.pi * min(1.0, s / plan.steps)))


def _tests() -> dict[Mutation, Batch]:
    """Fresh questions for every mutation, the same at every checkpoint."""
    out: dict[Mutation, Batch] = {}
    for name in MUTATIONS:
        frame: Template = template(name if name in FORMATS else "standard")
        generator = np.random.default_rng(1)
        labels = [[VOCABULARY.index(x) for x in draw_labels(name, generator)] for _ in range(64)]
        out[name] = draw(frame, 64, torch.Generator().manual_seed(1), labels=torch.tensor(labels))
    return out


@torch.no_grad()
def _accuracy(weights: Parameters, batch: Batch) -> float:
    among = logits(weights, batch).gather(2, batch.labels[:, None].expand(-1, N_OPTIONS, -1))
    return float((among.argmax(-1) == torch.arange(N_OPTIONS)).float().mean())


def as_hf(weights: Parameters) -> Any:
    """The weights in an ordinary GPT-2."""
    hf = toy_hf(
        vocab_size=len(VOCABULARY), n_ctx=N_CTX, d_model=WIDTH, n_heads=HEADS, n_layers=LAYERS, d_mlp=0, norms=False
    )
    missing, unknown = hf.load_state_dict(weights, strict=False)
    assert not unknown
    assert all(".mlp." in name for name in missing)
    return hf


def curve(checkpoints: list[Checkpoint], *, seed: int) -> pd.DataFrame:
    """Rows seed, step, mutation, accuracy."""
    rows = [(seed, c.step, name, value) for c in checkpoints for name, value in c.accuracy.items()]
    return pd.DataFrame(rows, columns=["seed", "step", "mutation", "accuracy"])


def main() -> None:
    """Train, print the curve, write both models and the curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder for the two models")
    parser.add_argument("--curve", type=Path, default=CURVE, help="CSV of accuracy by step")
    parser.add_argument("--seed", type=int, default=0, help="of the models")
    parser.add_argument("--repeats", type=int, default=0, help="further seeds of which only the curve is kept")
    options = parser.parse_args()
    tables = []
    for seed in range(options.seed, options.seed + options.repeats + 1):
        started, checkpoints = time.perf_counter(), []
        for checkpoint in train(Plan(seed=seed)):
            checkpoints.append(checkpoint)
            shown = {name: f"{value:.2f}" for name, value in checkpoint.accuracy.items()}
            print(f"{time.perf_counter() - started:5.0f} s  step {checkpoint.step:>5}  {shown}", flush=True)
        tables.append(curve(checkpoints, seed=seed))
        if seed == options.seed:
            early = next(c for c in checkpoints if c.accuracy["standard"] >= LEARNED)
            for name, kept in ((FINISHED, checkpoints[-1]), (EARLY, early)):
                save_toy(as_hf(kept.weights), toy_tokenizer(), options.out / name)
    pd.concat(tables).to_csv(options.curve, index=False, lineterminator="\n", float_format="%.4f")


if __name__ == "__main__":
    main()
