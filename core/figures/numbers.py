"""Numbers as people read them: three significant figures, a true minus sign, thin spaces between thousands."""

from __future__ import annotations

import math

MINUS, THIN = "\u2212", "\u2009"
POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(x: float, *, sign: bool = False) -> str:
    """``-0.012345`` as ``−0.0123``, ``12345`` as ``12 300``, ``1.2e-6`` as ``1.20 × 10⁻⁶``; NaN as ``–``.

    Args:
        sign: write a plus sign before positive numbers.
    """
    if math.isnan(x):
        return "–"
    if math.isinf(x):
        return "∞" if x > 0 else MINUS + "∞"
    text = _magnitude(abs(x))
    if float(f"{x:.3g}") == 0:
        return text
    return (MINUS if x < 0 else "+" if sign else "") + text


def count(n: int) -> str:
    """A whole number, thousands parted: ``645 120``."""
    return f"{n:,}".replace(",", THIN).replace("-", MINUS)


def parameters(n: int) -> str:
    """Size of a model as the field writes it: ``17 k``, ``135 M``, ``1.24 B``."""
    if n < 1e6:
        return f"{n / 1e3:.0f} k"
    return f"{n / 1e6:.0f} M" if n < 1e9 else f"{n / 1e9:.2f} B"


def _magnitude(x: float) -> str:
    if x == 0:
        return "0"
    exponent = int(f"{x:.2e}".split("e")[1])  # after rounding to three figures
    if not -4 <= exponent < 6:
        mantissa = f"{x:.2e}".split("e")[0]
        return f"{mantissa} × 10{str(exponent).translate(POWERS)}"
    if exponent >= 2:
        return count(round(x, 2 - exponent).__trunc__())
    return f"{x:.{2 - exponent}f}"
