"""What an experiment shows of the paper's claim: numbers, and the sentences made of them.

Every interval is the range over seeds or a percentile bootstrap over runs, as named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.labs.grokking.presets import BY_NAME
from core.labs.grokking.record import finals
from core.labs.grokking.regimes.shared import Standing
from core.labs.grokking.settings import Settings


@dataclass(frozen=True)
class Verdict:
    """One panel. ``shown`` are sentences in plain text."""

    claim: str
    standing: Standing
    shown: tuple[str, ...]
    limits: str


def measured(settings: Settings, table: pd.DataFrame, trig: dict[int, float]) -> dict[str, Any]:
    """The numbers of a regime, plain JSON values.

    Args:
        table: curves (``record.curve_table``).
        trig: final trig fraction by run, where it was measured.
    """
    return BY_NAME[settings.regime].measured(settings, table, finals(table), trig)


def judge(settings: Settings, numbers: dict[str, Any]) -> Verdict:
    """The panel of an experiment.

    Args:
        numbers: what ``measured`` gave, from its summary.
    """
    regime = BY_NAME[settings.regime]
    standing, sentences = regime.said(numbers)
    return Verdict(regime.CLAIM, standing, tuple(sentences), regime.LIMITS)
