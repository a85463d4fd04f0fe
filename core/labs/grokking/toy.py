"""A trained network as an ordinary model: a small GPT-2 on the words ``0 1 2 ... + =``, and prompt pairs for it.

The copy is exact: queries, keys and values become the three parts of GPT-2's ``c_attn``, and there are no norms. The
unembedding of the operation and the equals sign, which the network does not have, is 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.labs.grokking.tasks import Task
from core.labs.grokking.training.net import views
from core.labs.grokking.training.row import Run, training_examples
from core.labs.grokking.training.sizes import POSITIONS, Net
from core.models.toy import save_toy, toy_hf, word_tokenizer
from core.prompts.pairs import PairSet, PromptPair

SIGN, EQUALS = "+", "="


def words(task: Task) -> tuple[str, ...]:
    """The words of a task, in the order of token ids. One sign stands for every operation."""
    return (*map(str, range(task.p)), SIGN, EQUALS)


def as_gpt2(net: Net, weights: np.ndarray) -> Any:
    """The network with weights [1, size] as a ``GPT2LMHeadModel``."""
    w = {name: part[0] for name, part in views(net, torch.tensor(weights)).items()}
    hf = toy_hf(
        vocab_size=net.p + 2,
        n_ctx=POSITIONS,
        d_model=net.d_model,
        n_heads=net.n_heads,
        n_layers=1,
        d_mlp=net.d_mlp,
    )
    block = hf.transformer.h[0]
    with torch.no_grad():
        hf.transformer.wte.weight.copy_(w["embed"])
        hf.transformer.wpe.weight.copy_(w["pos"])
        block.attn.c_attn.weight.copy_(torch.cat([w["q"], w["k"], w["v"]], dim=1))
        block.attn.c_proj.weight.copy_(w["o"])
        block.mlp.c_fc.weight.copy_(w["w_in"])
        block.mlp.c_fc.bias.copy_(w["b_in"])
        block.mlp.c_proj.weight.copy_(w["w_out"])
        block.mlp.c_proj.bias.copy_(w["b_out"])
        hf.lm_head.weight[: net.p].copy_(w["unembed"].T)
    return hf


def save_model(net: Net, weights: np.ndarray, task: Task, folder: Path) -> None:
    """Write the network as a folder that ``core.models.load.load_model`` reads."""
    save_toy(as_gpt2(net, weights), word_tokenizer(words(task)), folder)


def prompt_pairs(task: Task, run: Run, *, unseen: bool, count: int = 24) -> PairSet:
    """Pairs ``a + b =`` against ``a' + b =``: the first number decides which of the two answers is right.

    Args:
        unseen: take pairs that the run did not train on (clean and corrupt both), else pairs that it did.
    """
    known = np.zeros(task.p * task.p, dtype=bool)
    numbers = task.x * task.p + task.y
    known[numbers[training_examples(task, run)]] = True
    answer = dict(zip(numbers.tolist(), task.answer.tolist()))
    usable = [n for n in numbers.tolist() if known[n] != unseen]
    rng = np.random.default_rng(run.seed)
    pairs: list[PromptPair] = []
    for n in rng.permutation(usable).tolist():
        a, b = divmod(n, task.p)
        others = [m for m in usable if m % task.p == b and answer[m] != answer[n]]
        if others and len(pairs) < count:
            other = int(rng.choice(others))
            clean, corrupt = (f"{x} {SIGN} {b} {EQUALS}" for x in (a, other // task.p))
            pairs.append(PromptPair(clean, corrupt, f" {answer[n]}", f" {answer[other]}"))
    kind = "unseen" if unseen else "training"
    return PairSet(f"{task.title}: {kind} examples", tuple(pairs))
