"""The words that everything shares: kinds of nodes, methods, directions, metrics, and the sizes of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from core.errors import SpecError

NodeKind = Literal["q", "k", "v", "z", "neuron", "attn_out", "mlp_out", "resid_pre"]
Method = Literal["exact", "atp", "atp-qk", "atp-graddrop", "atp-star"]
Choice = Literal["screen", "exact", "atp", "atp-qk", "atp-graddrop", "atp-star"]  # what a person may ask for
Average = Literal["signed", "magnitude"]  # what ranks over pairs: |mean|, or the mean of magnitudes (AtP* paper, eq. 5)
Direction = Literal["noising", "denoising"]
MetricName = Literal["logit_diff", "logit_diff_lse", "prob_diff", "log_prob", "prob", "answer_log_prob", "kl"]
Donor = Literal["corrupt", "zero", "mean", "mean-position"]
Spans = Literal["last", "mean", "skip"]

NODE_KINDS: tuple[NodeKind, ...] = get_args(NodeKind)
HEAD_KINDS: tuple[NodeKind, ...] = ("q", "k", "v", "z")
WHOLE_KINDS: tuple[NodeKind, ...] = ("attn_out", "mlp_out", "resid_pre")  # one node a layer and position
METHODS: tuple[Method, ...] = get_args(Method)
CHOICES: tuple[Choice, ...] = get_args(Choice)
AVERAGES: tuple[Average, ...] = get_args(Average)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
METRICS: tuple[MetricName, ...] = get_args(MetricName)
DONORS: tuple[Donor, ...] = get_args(Donor)
WHOLE_ANSWER: MetricName = "answer_log_prob"  # the one that reads several tokens in a row
SPANS: tuple[Spans, ...] = get_args(Spans)


@dataclass(frozen=True)
class ModelShape:
    """The sizes a reader of effects needs. ``d_mlp`` is the number of neurons in one layer."""

    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_model: int
    d_head: int
    d_mlp: int

    def units(self, kind: NodeKind) -> int:
        """Number of nodes of a kind at one layer and position: query heads, kv heads, neurons or 1."""
        heads = {"q": self.n_heads, "z": self.n_heads, "k": self.n_kv_heads, "v": self.n_kv_heads}
        return self.d_mlp if kind == "neuron" else heads.get(kind, 1)


def check_term(option: str, value: str, allowed: Sequence[str]) -> None:
    """Raise SpecError unless the value is one of those allowed.

    Args:
        option: what the refusal names as the place, such as ``--metric``.
    """
    if value not in allowed:
        raise SpecError(f"{value!r} is not known.", where=option, next_step=f"Choose among {', '.join(allowed)}.")


def check_kinds(kinds: Sequence[str]) -> None:
    """Raise SpecError unless there is at least one kind and all are known."""
    if not kinds:
        raise SpecError("No node kind was chosen.", where="--nodes", next_step=f"Choose among {', '.join(NODE_KINDS)}.")
    for kind in kinds:
        check_term("--nodes", kind, NODE_KINDS)


def counted(n: int, noun: str) -> str:
    """``1 pair``, ``3 pairs``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
