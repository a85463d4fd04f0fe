"""What decides a circuit's run, and the words for it; free of torch, so that pages may read it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from core.errors import SpecError
from core.terms import DIRECTIONS, METRICS, WHOLE_ANSWER, Direction, MetricName

EdgeMethod = Literal["eap", "eap-ig", "eap-qk", "eap-ig-qk"]
Span = Literal["summed", "position"]  # one edge for all positions, or one a position
EDGE_METHODS: tuple[EdgeMethod, ...] = get_args(EdgeMethod)
FIXED: tuple[EdgeMethod, ...] = ("eap-qk", "eap-ig-qk")
AVERAGED: tuple[EdgeMethod, ...] = ("eap-ig", "eap-ig-qk")
SPANS: tuple[Span, ...] = get_args(Span)
LAB = "circuit"
METHOD_NAMES: dict[str, str] = {
    "eap": "EAP",
    "eap-ig": "EAP-IG",
    "eap-qk": "EAP + QK fix",
    "eap-ig-qk": "EAP-IG + QK fix",
    "random": "Random",
}
SPAN_NAMES: dict[Span, str] = {"summed": "all positions together", "position": "each position apart"}
SHARES = (0.0001, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
FORWARDS: dict[str, float] = {"eap": 10, "eap-ig": 50, "eap-qk": 60, "eap-ig-qk": 100, "circuit": 8}


@dataclass(frozen=True)
class CircuitSettings:
    """One run: edge scores by some methods, and how much circuits of several sizes explain.

    Attributes:
        most_pairs: only the first so many pairs (of the commonest length) enter.
        steps: of EAP-IG.
        seeds: random orders in the curve; 0 leaves random out.
        curve: whether circuits of several sizes are run.
    """

    methods: tuple[EdgeMethod, ...] = EDGE_METHODS
    spans: tuple[Span, ...] = ("summed",)
    metric: MetricName = "logit_diff"
    direction: Direction = "noising"
    most_pairs: int = 10
    steps: int = 5
    seeds: int = 3
    curve: bool = True

    def __post_init__(self) -> None:
        _among("--methods", self.methods, EDGE_METHODS)
        _among("--spans", self.spans, SPANS)
        _among("--metric", (self.metric,), METRICS)
        _among("--direction", (self.direction,), DIRECTIONS)
        if self.metric == WHOLE_ANSWER:
            raise SpecError(
                "Circuits end at the logits of one position; a whole answer is read at several.",
                where="--metric",
                next_step="Choose another metric.",
            )
        if self.metric == "kl" and self.direction == "noising":
            raise SpecError(
                "The KL divergence from the clean run has gradient 0 there, so every edge would score 0.",
                where="--metric",
                next_step="Use the denoising direction, or another metric.",
            )
        for name in ("most_pairs", "steps"):
            if getattr(self, name) < 1:
                raise SpecError("The number must be at least 1.", where=f"--{name.removeprefix('most_')}")
        if self.seeds < 0:
            raise SpecError("The number must not be negative.", where="--seeds")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"methods": list(self.methods), "spans": list(self.spans)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CircuitSettings:
        """The inverse of ``to_json``."""
        return cls(**{**data, "methods": tuple(data["methods"]), "spans": tuple(data["spans"])})

    def forwards(self) -> float:
        """Cost of a pair, in forward passes of its prompt."""
        scores = sum(FORWARDS[method] for method in self.methods)
        runs = 2 * len(SHARES) * (len(self.methods) + self.seeds) * len(self.spans)
        return scores + FORWARDS["circuit"] * runs * self.curve


def _among(option: str, chosen: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    wrong = [name for name in chosen if name not in allowed]
    if wrong or not chosen:
        named = repr(wrong[0]) if wrong else "Nothing"
        raise SpecError(f"{named} is not known.", where=option, next_step=f"Choose among {', '.join(allowed)}.")
