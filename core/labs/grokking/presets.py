"""The regimes by name, and the presets of each at two sizes.

Small presets fit two cores and minutes. Paper presets have the paper's task and network (addition modulo 113, width
128, learning rate 1e-3) and its set sizes; where the paper trains for millions of steps they stop earlier.
"""

from __future__ import annotations

from types import ModuleType

from core.errors import SpecError
from core.labs.grokking.regimes import efficiency, grok, nodecay, semigrok, ungrok
from core.labs.grokking.settings import Settings

BY_NAME: dict[str, ModuleType] = {
    "grok": grok,
    "nodecay": nodecay,
    "ungrok": ungrok,
    "semigrok": semigrok,
    "efficiency": efficiency,
}
TITLES: dict[str, str] = {name: regime.TITLE for name, regime in BY_NAME.items()}


def preset(regime: str, size: str = "small", *, seed: int = 0) -> Settings:
    """The experiment of a regime; its seeds count up from ``seed``.

    Raises:
        SpecError: an unknown name or a negative seed.
    """
    if regime not in BY_NAME or size not in ("small", "paper"):
        raise SpecError(f"There is no {size!r} preset of {regime!r}.", where="preset")
    if seed < 0:
        raise SpecError("The seed must not be negative.", where="seed")
    values = BY_NAME[regime].SMALL if size == "small" else BY_NAME[regime].PAPER
    return Settings(regime=regime, **{**values, "seeds": tuple(range(seed, seed + values["seeds"]))})  # type: ignore[arg-type]
