"""RunSpec: everything that decides a result, small enough to be a key, a file name or a link."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from core.errors import SpecError
from core.terms import (
    AVERAGES,
    DIRECTIONS,
    DONORS,
    METHODS,
    METRICS,
    NODE_KINDS,
    SPANS,
    WHOLE_ANSWER,
    Average,
    Choice,
    Direction,
    Donor,
    Method,
    MetricName,
    NodeKind,
    Spans,
    check_kinds,
    check_term,
)

# Fields that enter the JSON, and so the digest, only where they are not at their default.
OPTIONAL: dict[str, Any] = {"donor": "corrupt", "spans": None, "screen": None}


@dataclass(frozen=True)
class NeuronSite:
    """Where to patch neurons exactly: one layer and token position, and one unit or (None) all of them."""

    layer: int
    position: int
    unit: int | None = None


FIRST = 50  # nodes of a family that a screen verifies unless told otherwise
SAMPLES = 1024  # subsets that bound the others, about 20 a node: enough for Welch's statistics of thousands of nodes


@dataclass(frozen=True)
class Screen:
    """What a screen adds to an estimate: its first nodes are patched exactly, and the others are bounded.

    Attributes:
        count: nodes verified in each family (attention, neurons, writes), in the estimate's order.
        average: what orders them, over the pairs of the commonest number of tokens.
        samples: subsets patched to bound each family's other nodes; 0: no bound.

    Raises:
        SpecError: a number that cannot be, or an unknown rule.
    """

    count: int = FIRST
    average: Average = "signed"
    samples: int = SAMPLES

    def __post_init__(self) -> None:
        check_term("--average", self.average, AVERAGES)
        for option, value, least in (("--verify", self.count, 1), ("--samples", self.samples, 0)):
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise SpecError(f"The number must be at least {least}.", where=option)


def screening(nodes: Sequence[str]) -> Method:
    """The estimate that screens these nodes.

    The QK fix where there are queries or keys, plain AtP for all else: on the built-in model it found the largest
    attention nodes at less cost than AtP in 5 of 9 contests and GradDrop on top of it in none (the kept study), and
    both carry a sign, so that pairs can be averaged with it.
    """
    return "atp-qk" if {"q", "k"} & set(nodes) else "atp"


@dataclass(frozen=True)
class RunSpec:
    """One attribution run.

    Attributes:
        model: catalogue id, hub id or local path of the model.
        revision: digest of the weights or hub commit.
        dtype: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        pairs_digest: ``PairSet.digest``.
        metric: what is read off the last position's logits.
        direction: ``"noising"`` puts corrupt activations into the clean run, ``"denoising"`` the reverse.
        nodes: node kinds, in the order of ``NODE_KINDS``.
        method: exact patching, or one of the AtP family.
        neurons: for exact patching of ``neuron`` nodes only: which ones.
        donor: what is put in place of a node: the other prompt's activation, zeros, or a mean over the set's clean
            prompts (``core.patching.donors.fixed``). All but the first go into the clean run (noising).
        spans: where pairs of unequal length are linked, how the spans in which they differ are patched
            (``core.prompts.links.sources``); None: no pair is linked.
        screen: for an estimate only: how many of its first nodes are patched exactly in the same run.
    """

    model: str
    revision: str
    dtype: str
    pairs_digest: str
    metric: MetricName
    direction: Direction
    nodes: tuple[NodeKind, ...]
    method: Method
    neurons: tuple[NeuronSite, ...] = ()
    donor: Donor = "corrupt"
    spans: Spans | None = None
    screen: Screen | None = None

    def __post_init__(self) -> None:
        check_term("--metric", self.metric, METRICS)
        check_term("--direction", self.direction, DIRECTIONS)
        check_term("--method", self.method, METHODS)
        check_term("--donor", self.donor, DONORS)
        if self.spans is not None:
            check_term("--spans", self.spans, SPANS)
        check_kinds(self.nodes)
        object.__setattr__(self, "nodes", tuple(k for k in NODE_KINDS if k in self.nodes))
        if self.screen is not None and self.spans is not None:
            raise SpecError(
                "Estimates on linked pairs of unequal length are not verified.",
                where="--method",
                next_step="Use exact patching, or the estimate alone.",
            )
        if self.donor != "corrupt" and self.spans is not None:
            raise SpecError("Linked spans only matter where the other prompt is the donor.", where="--spans")
        if self.donor != "corrupt" and self.direction == "denoising":
            raise SpecError(
                "Zeros and means restore nothing: they take information out of a run.",
                where="--donor",
                next_step="Use the noising direction, or the corrupt prompt as the donor.",
            )
        if self.metric == WHOLE_ANSWER and (self.spans is not None or self.donor == "mean-position"):
            raise SpecError(
                "The log-probability of a whole answer is not read with linked prompts or with means by position.",
                where="--metric",
                next_step="Use another metric, or the corrupt prompt of equal length, zeros or the mean as donor.",
            )
        if self.method != "exact" and self.metric == "kl" and self.direction == "noising":
            raise SpecError(
                "The KL divergence from the clean run has gradient 0 there, so every AtP estimate would be 0.",
                where="--metric",
                next_step="Use exact patching, the denoising direction, or another metric.",
            )
        if self.method == "exact" and "neuron" in self.nodes and not self.neurons:
            raise SpecError(
                "Exact patching of neurons needs to know which ones.",
                where="--neurons",
                next_step="Name a layer and position (and, if you like, a unit), or use an AtP method for all neurons.",
            )
        if self.neurons and not (self.method == "exact" and "neuron" in self.nodes):
            raise SpecError("A choice of neurons only goes with exact patching of neuron nodes.", where="--neurons")
        if self.screen is not None and self.method == "exact":
            raise SpecError("A screen verifies an estimate, and exact patching is none.", where="--estimate")

    @property
    def digest(self) -> str:
        """Short hex digest of the whole spec: cache key, permalink and folder name."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def signed(self) -> bool:
        """Whether effects carry a sign; GradDrop scores are means of absolute values (AtP* paper, eq. 11)."""
        return self.method not in ("atp-graddrop", "atp-star")

    @property
    def choice(self) -> Choice:
        """The method as a person asks for it: ``screen``, whatever estimate does the screening, or the method."""
        return "screen" if self.screen is not None else self.method

    @property
    def estimate(self) -> RunSpec:
        """The estimate alone, without what a screen adds to it."""
        return replace(self, screen=None)

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain JSON values; what came later is left out where it is at its default: digests stay."""
        data = json.loads(json.dumps(asdict(self)))
        return {name: value for name, value in data.items() if name not in OPTIONAL or value != OPTIONAL[name]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> RunSpec:
        """The inverse of ``to_json``; unknown or missing fields are refused."""
        known = {f.name for f in fields(cls)}
        if not isinstance(data, dict) or set(data) - known or known - set(data) - {"neurons", *OPTIONAL}:
            raise SpecError("The run description has missing or unknown fields.")
        sites = tuple(NeuronSite(**site) for site in data.get("neurons", ()))
        screen = None if data.get("screen") is None else Screen(**data["screen"])
        return cls(**{**data, "nodes": tuple(data["nodes"]), "neurons": sites, "screen": screen})
