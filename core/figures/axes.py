"""Columns of a figure: heads, or tokens with a tick each, long prompts shortened in the middle."""

from __future__ import annotations

from dataclasses import dataclass

from core.figures.tokens import label, shown_positions


@dataclass(frozen=True)
class Columns:
    """Which columns a figure shows and where they stand on a numeric axis.

    Attributes:
        shown: indices of the columns drawn.
        places: where each stands; one step is left empty where the middle of a prompt is hidden.
        tickvals, ticktext: ticks, labels ready for plotly.
        hidden: number of columns left out.
    """

    shown: list[int]
    places: list[int]
    tickvals: list[int]
    ticktext: list[str]
    hidden: int

    @property
    def width(self) -> int:
        """Number of steps on the axis."""
        return self.places[-1] + 1

    def place(self, column: int | None) -> int | None:
        """Where a column stands, or None where it is not shown."""
        return self.places[self.shown.index(column)] if column in self.shown else None


def token_columns(tokens: tuple[str, ...], varies: tuple[bool, ...] = (), *, most: int = 48) -> Columns:
    """One column a token; repeated tokens stay apart because the axis is numeric."""
    shown, hidden = shown_positions(len(tokens), most=most)
    places = [i + (column != i) for i, column in enumerate(shown)]
    marks = varies or (False,) * len(tokens)
    tickvals = [*places, *(p - 1 for p, before in zip(places[1:], places) if p != before + 1)]
    ticktext = [label(tokens[i], varies=marks[i]) for i in shown] + ["…"] * (len(tickvals) - len(places))
    return Columns(shown, places, tickvals, ticktext, hidden)


def number_columns(n: int, *, most_ticks: int = 32) -> Columns:
    """``n`` numbered columns, ticks thinned to whole steps."""
    every = list(range(n))
    ticks = every[:: max(1, -(-n // most_ticks))]
    return Columns(every, every, ticks, [str(i) for i in ticks], 0)
