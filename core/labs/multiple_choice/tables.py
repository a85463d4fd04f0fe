"""The tables of a study. Places of options count from 1, layers and heads from 0; losses are in nats.

answers    mutation, question, turn, right, chosen, labels, loss, logit_1 .. logit_4 (by place)
labels     mutation, place, label, share, share_right, mean_logit: which labels are chosen (label is empty where it
           is drawn anew for each question)
mutations  mutation, version, n, loss, se, accuracy, recovered, corrected
nodes      rank, node, layer, head, net_direct, se, share (of the positive effects so far), output, category
effects    node, layer, head, ablation, path, metric, effect, se, n
kept       order, draw, nodes, output, loss, accuracy, n
looks      layer, head, right, source, option, weight
ranks      heads, parts, fit, rank, draw, on, n, loss, full_loss, resampled_loss, recovered, accuracy
separation head, part, fit, held_out (how often the nearest of the places' means is the right one, in three directions),
           by_place, by_question (shares of the variance that lie between places, between questions)
points     head, part, fit, on, place, label, x, y, z
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core.labs.multiple_choice.behaviour import Answers, label_table
from core.labs.multiple_choice.inside.categories import Category
from core.labs.multiple_choice.inside.nodes import ABLATIONS, Ablated, Kept
from core.labs.multiple_choice.questions.layouts import Mutation
from core.labs.multiple_choice.questions.questions import N_OPTIONS
from core.labs.multiple_choice.questions.tokens import Asked

PATHS = ("direct", "total")
FIXED_LABELS = ("standard", "digits", "no brackets", "full stops", "no preamble")


def head_name(head: tuple[int, int]) -> str:
    return f"L{head[0]}H{head[1]}"


def node_name(layer: int, unit: int, n_heads: int) -> str:
    """``L1H0``, or ``MLP 1`` for the unit after the last head."""
    return head_name((layer, unit)) if unit < n_heads else f"MLP {layer}"


def answer_table(asked: Mapping[Mutation, Sequence[Asked]], answers: Mapping[Mutation, Answers]) -> pd.DataFrame:
    """Every prompt and its answer."""
    frames = []
    for mutation, prompts in asked.items():
        found = answers[mutation]
        frame = pd.DataFrame(
            {
                "mutation": mutation,
                "question": [prompt.row + 1 for prompt in prompts],
                "turn": np.arange(len(prompts)) % N_OPTIONS,
                "right": found.answer + 1,
                "chosen": found.chosen + 1,
                "labels": ["".join(prompt.labels) for prompt in prompts],
                "loss": found.loss,
            }
        )
        logits = pd.DataFrame(found.logits, columns=[f"logit_{i + 1}" for i in range(N_OPTIONS)])
        frames.append(pd.concat([frame, logits], axis=1))
    return pd.concat(frames, ignore_index=True)


def share_table(asked: Mapping[Mutation, Sequence[Asked]], answers: Mapping[Mutation, Answers]) -> pd.DataFrame:
    """How often each place, and so each label where labels are fixed, is chosen."""
    frames = []
    for mutation, found in answers.items():
        labels = asked[mutation][0].labels if mutation in FIXED_LABELS else ("",) * N_OPTIONS
        frames.append(label_table(found, labels).assign(mutation=mutation))
    table = pd.concat(frames, ignore_index=True)
    return table[["mutation", *(name for name in table if name != "mutation")]]


def behaviour_table(asked: Mapping[Mutation, Sequence[Asked]], answers: Mapping[Mutation, Answers]) -> pd.DataFrame:
    """The unpatched model on the second half of the questions under every mutation."""
    rows = []
    for mutation, prompts in asked.items():
        held = np.array([prompt.row % 2 == 1 for prompt in prompts])
        found = answers[mutation]
        mine = Answers(found.logits[held], found.loss[held], found.answer[held])
        questions = [prompt.row for prompt, chosen in zip(prompts, held) if chosen]
        rows.append(
            {
                "mutation": mutation,
                "version": "full",
                "n": len(mine.answer),
                "loss": float(mine.loss.mean()),
                "se": float(pd.Series(mine.loss).groupby(questions).mean().sem()),
                "accuracy": mine.accuracy,
                "recovered": 1.0,
                "corrected": mine.corrected,
            }
        )
    return pd.DataFrame(rows)


def node_table(net: np.ndarray, order: np.ndarray, cut: int, kinds: list[list[Category]]) -> pd.DataFrame:
    """Nodes by falling net direct effect.

    Args:
        net: ``[prompt, layer, unit]``; ``order`` and ``cut`` as ``output_nodes`` gives them.
    """
    n_heads = net.shape[2] - 1
    mean, se = net.mean(0).ravel()[order], (net.std(0, ddof=1) / np.sqrt(len(net))).ravel()[order]
    layers, units = np.divmod(order, n_heads + 1)
    positive = np.clip(mean, 0, None)
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(order) + 1),
            "node": [node_name(a, b, n_heads) for a, b in zip(layers, units)],
            "layer": layers,
            "head": pd.array([b if b < n_heads else None for b in units], dtype="Int64"),
            "net_direct": mean,
            "se": se,
            "share": positive.cumsum() / max(positive.sum(), 1e-12),
            "output": np.arange(len(order)) < cut,
            "category": [kinds[a][b] if b < n_heads else "" for a, b in zip(layers, units)],
        }
    )


def effect_table(ablated: Ablated) -> pd.DataFrame:
    """Mean effects of ablating each node, by ablation, path and metric."""
    n, _, n_layers, units, _ = ablated.logit.shape
    frames = []
    for metric, effects in (("centred logit", ablated.logit), ("loss", ablated.loss)):
        mean, se = effects.mean(0), effects.std(0, ddof=1) / np.sqrt(n)
        for a, ablation in enumerate(ABLATIONS):
            for p, path in enumerate(PATHS):
                places = [(layer, unit) for layer in range(n_layers) for unit in range(units)]
                frames.append(
                    pd.DataFrame(
                        {
                            "node": [node_name(layer, unit, units - 1) for layer, unit in places],
                            "layer": [layer for layer, _ in places],
                            "head": pd.array([u if u < units - 1 else None for _, u in places], dtype="Int64"),
                            "ablation": ablation,
                            "path": path,
                            "metric": metric,
                            "effect": mean[a, :, :, p].ravel(),
                            "se": se[a, :, :, p].ravel(),
                            "n": n,
                        }
                    )
                )
    return pd.concat(frames, ignore_index=True)


def kept_table(kept: Kept, cut: int) -> pd.DataFrame:
    """What is left with so many nodes, for the order by net direct effect and for random ones."""
    rows = [
        {
            "order": "random" if draw else "net direct effect",
            "draw": draw,
            "nodes": size,
            "output": size == cut and not draw,
            "loss": float(kept.loss[:, draw, k].mean()),
            "accuracy": float(kept.right[:, draw, k].mean()),
            "n": len(kept.loss),
        }
        for draw in range(kept.loss.shape[1])
        for k, size in enumerate(kept.sizes)
    ]
    return pd.DataFrame(rows)
