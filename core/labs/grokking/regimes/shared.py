"""What the regimes share: networks and tasks of their presets, how a claim stands, medians and intervals in words."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd

Standing = Literal["agrees", "partly", "does not agree", "cannot tell"]
MOMENTS = 24  # checkpoints of each run where they are kept
MOD_53: dict[str, Any] = {"operation": "x + y", "p": 53, "d_model": 32, "n_heads": 4, "d_mlp": 128}
MOD_113: dict[str, Any] = {"operation": "x + y", "p": 113, "d_model": 128, "n_heads": 4, "d_mlp": 512, "lr": 1e-3}


def middle_and_range(values: pd.Series) -> dict[str, float] | None:
    """Median, lowest, highest and number; None where there are none."""
    if values.empty:
        return None
    return {
        "median": float(values.median()),
        "low": float(values.min()),
        "high": float(values.max()),
        "n": len(values),
    }


def in_range(values: dict[str, float], scale: float = 1.0, digits: int = 1) -> str:
    """Median, and the range over runs in brackets."""
    middle, low, high = (f"{scale * values[name]:.{digits}f}" for name in ("median", "low", "high"))
    return middle if low == high else f"{middle} ({low} to {high})"


def interval(values: dict[str, float], digits: int = 2) -> str:
    """A value and its interval in brackets."""
    middle, low, high = (f"{values[name]:.{digits}f}".replace("-", "−") for name in ("value", "low", "high"))
    return f"{middle} ({low} to {high})"
