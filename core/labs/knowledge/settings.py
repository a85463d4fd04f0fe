"""Settings: everything but the statements and the model that decides a study of probes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.errors import SpecError
from core.labs.knowledge.probes.names import DEFAULT_METHODS, METHODS
from core.labs.knowledge.probes.normalise import NORMS, Norm
from core.labs.knowledge.statements.statements import Statements
from core.labs.knowledge.statements.wording import REPETITIONS, REWORDED, Wording, disliked_topic
from core.runs.laboratory import plain_settings, with_tuples

CONDITIONS = ("none", REWORDED, "persona", "word", "opinion", "implicit", *REPETITIONS)
MOST_SEEDS, MOST_EPOCHS = 1000, 20_000


@dataclass(frozen=True)
class Settings:
    """What is fitted, on what.

    Attributes:
        conditions: ``none``, ``reworded`` and distractors.
        layers: of the residual stream: 0 the embedding, l what block l leaves.
        focus: the layer of which everything is kept: probes, components, single items, readouts; −1: that of
            ``layers`` which is nearest to the default one.
        methods: names of ``core.labs.knowledge.probes.methods.METHODS``.
        seeds: how many CCS and random probes. seed: the first of them, and of the split and the distractor.
        epochs, learning_rate: of CCS.
    """

    conditions: tuple[str, ...] = ("none",)
    layers: tuple[int, ...] = ()
    focus: int = -1
    methods: tuple[str, ...] = DEFAULT_METHODS
    seeds: int = 50
    seed: int = 0
    norm: Norm = "std"
    epochs: int = 1000
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        _known(self.conditions, CONDITIONS, "--distractor")
        _known(self.methods, METHODS, "--methods")
        _known((self.norm,), NORMS, "--norm")
        if not 1 <= self.seeds <= MOST_SEEDS:
            raise SpecError(f"The number of seeds must lie between 1 and {MOST_SEEDS}.", where="--seeds")
        if not 1 <= self.epochs <= MOST_EPOCHS:
            raise SpecError(f"The number of epochs must lie between 1 and {MOST_EPOCHS}.", where="--epochs")
        if not 0 <= self.seed < 2**31:
            raise SpecError("The seed must be a whole number from 0 on.", where="--seed")
        if not 0 < self.learning_rate < 1:
            raise SpecError("The learning rate must lie between 0 and 1.", where="--lr")

    def at(self, n_layers: int) -> Settings:
        """The settings for a model of so many blocks: without layers, the default one.

        Raises:
            SpecError: the model has no such layer.
        """
        layers = tuple(sorted(set(self.layers))) or (default_layer(n_layers),)
        for layer in layers:
            if not 0 <= layer <= n_layers:
                raise SpecError(
                    f"The model has no layer {layer}.", where="--layers", next_step=f"Choose from 0 to {n_layers}."
                )
        focus = self.focus if self.focus in layers else min(layers, key=lambda x: abs(x - default_layer(n_layers)))
        return replace(self, layers=layers, focus=focus)

    def layers_of(self, condition: str) -> tuple[int, ...]:
        """The layers at which a condition is fitted: repeated opinions only at the layer of focus."""
        return (self.focus,) if condition in REPETITIONS else self.layers

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain JSON values."""
        return plain_settings(self)


def settings_from_json(data: dict[str, Any]) -> Settings:
    """The inverse of ``Settings.to_json``."""
    return Settings(**with_tuples(data))


def default_layer(n_layers: int) -> int:
    """Three fifths of the way up: late enough for meaning, early enough to be before the answer is spelled out."""
    return round(0.6 * n_layers)


def sweep_layers(n_layers: int) -> tuple[int, ...]:
    """About a dozen layers from the embedding to the last, the default one among them."""
    step = max(1, round(n_layers / 10))
    return tuple(sorted({*range(0, n_layers + 1, step), n_layers, default_layer(n_layers)}))


def audit_conditions(statements: Statements) -> tuple[str, ...]:
    """All that an audit asks for and the statements allow: the implicit opinion needs two balanced topics."""
    conditions = ("none", REWORDED, "persona", "word", "opinion")
    try:
        disliked_topic(np.array([item.topic for item in statements.items]), statements.labels)
    except SpecError:
        return conditions
    return (*conditions, "implicit")


def wording_json(wording: Wording) -> dict[str, Any]:
    """A wording as plain JSON values."""
    return {"template": wording.template, "reworded": wording.reworded, "answers": list(wording.answers)}


def _known(names: tuple[str, ...], known: tuple[str, ...], where: str) -> None:
    for name in names:
        if name not in known:
            raise SpecError(f"{name!r} is not known.", where=where, next_step=f"Choose among {', '.join(known)}.")
    if not names or len(set(names)) != len(names):
        raise SpecError("Name at least one, and each only once.", where=where)
