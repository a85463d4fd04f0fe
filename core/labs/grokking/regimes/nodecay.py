"""No weight decay: does grokking need it?"""

from __future__ import annotations

from typing import Any

from core.labs.grokking.regimes import grok
from core.labs.grokking.regimes.shared import MOD_53, MOD_113, Standing

TITLE = "No weight decay"
CLAIM = (
    "The explanation rests on weight decay, which makes the efficient solution win. It says nothing of grokking "
    "without it."
)
LIMITS = "A run that has not generalised by the last step might do so later."
SMALL: dict[str, Any] = MOD_53 | {
    "lr": 1e-2,
    "steps": 7000,
    "sizes": (1404,),
    "weight_decays": (0.0, 0.1, 0.3),
    "seeds": 2,
}
PAPER: dict[str, Any] = MOD_113 | {"steps": 40_000, "sizes": (3830,), "weight_decays": (0.0, 0.3, 1.0), "seeds": 1}
measured = grok.measured


def said(numbers: dict[str, Any]) -> tuple[Standing, list[str]]:
    """Sentences; the paper makes no claim here."""
    return "cannot tell", grok.lines(numbers["by_weight_decay"])
