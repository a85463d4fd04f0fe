"""What each world's agents train with, small and long: constants that learn on one core, none tuned to a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.agents.learning import Learning


@dataclass(frozen=True)
class Preset:
    """One world's constants.

    Attributes:
        learning: of every agent.
        variants: the trainings that are compared, as changes of the world's settings for training.
        seeds: how many.
        points: of the learning curve.
        episodes: of each agent in each test.
        steps: of a test episode at most.
        slips: share of uniform actions in tests, of agents and scripts alike.
    """

    learning: Learning
    variants: tuple[Mapping[str, Any], ...]
    seeds: int
    points: int
    episodes: int
    steps: int
    slips: float


_CORNER = Learning(bits=True)
_TREE = Learning(
    steps=1_280_000, width=64, rate=1e-3, gamma=0.98, ahead=5, memory=200_000, warmup=2_000, every=1,
    target_every=200, exploring=0.1,
)  # fmt: skip
_PARTNER = Learning(
    steps=1_500_000, ahead=4, batch=512, memory=300_000, warmup=5_000, target_every=200, exploring=0.4, floor=0.03,
    follow=0.5,
)  # fmt: skip
_MONSTERS = Learning(
    steps=1_000_000, rate=5e-4, gamma=0.97, ahead=3, batch=512, memory=300_000, warmup=5_000, target_every=200,
    floor=0.02,
)  # fmt: skip

_SIZES = tuple({"corner": size} for size in (1, 3, 5, 7))
_MIXES = tuple({"corner": 1, "random_levels": share} for share in (0.02, 0.1))
_HORIZONS = tuple({"horizon": steps, "encoding": "nearest"} for steps in (25, 200))
_COUNTS = tuple({"horizon": steps, "encoding": "counts"} for steps in (25, 200))

_REGROWTHS = tuple({"regrowth": least} for least in (1e-6, 1e-4, 1e-3, 1e-2))
_PARTNERS = tuple({"partner": who} for who in ("expert", "anti", "nobody"))

# Learning, variants, then seeds, points, episodes, steps, slips.
PRESETS: dict[str, dict[str, Preset]] = {
    "corner": {
        "small": Preset(_CORNER, (*_SIZES, *_MIXES), 2, 40, 500, 40, 0.05),
        "paper": Preset(replace(_CORNER, steps=2_000_000), (*_SIZES, *_MIXES), 5, 80, 2000, 40, 0.05),
    },
    "tree": {
        "small": Preset(_TREE, (_REGROWTHS[0], _REGROWTHS[-1]), 2, 24, 64, 300, 0.0),
        "paper": Preset(replace(_TREE, steps=6_400_000), _REGROWTHS, 3, 80, 256, 300, 0.0),
    },
    "partner": {
        "small": Preset(_PARTNER, _PARTNERS[:1], 2, 40, 500, 80, 0.03),
        "paper": Preset(replace(_PARTNER, steps=4_000_000), _PARTNERS, 5, 80, 2000, 80, 0.03),
    },
    "monsters": {
        "small": Preset(_MONSTERS, _HORIZONS, 3, 40, 500, 200, 0.02),
        "paper": Preset(replace(_MONSTERS, steps=3_000_000), (*_HORIZONS, *_COUNTS), 5, 80, 2000, 200, 0.02),
    },
}
