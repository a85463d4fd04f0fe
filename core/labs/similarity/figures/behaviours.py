"""How each world draws its behaviours: the one place that knows."""

from __future__ import annotations

from collections.abc import Callable

import plotly.graph_objects as go

from core.figures.style import Theme
from core.labs.similarity.figures.arms import arms
from core.labs.similarity.figures.grids import grids
from core.worlds.listed.behaviours import Behaviours

LETTERS = ("A", "B", "C")
DRAWN: dict[str, Callable[..., go.Figure]] = {"grid": grids, "arm": arms}


def side_by_side(
    behaviours: Behaviours, chosen: tuple[int, ...], *, names: tuple[str, ...] = LETTERS, theme: Theme = "light"
) -> go.Figure:
    """Behaviours of any world beside each other, called A, B, C or by ``names``."""
    return DRAWN[behaviours.world](behaviours, chosen, names=names[: len(chosen)], theme=theme)
