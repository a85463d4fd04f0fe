"""The tables that the networks learn: modular arithmetic, and the symmetric group S5.

A task is a list of pairs (x, y) of symbols with one answer each. The operations are those of Power et al. (2022), all
of which the grokking papers use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from core.errors import SpecError

Table = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
MODULAR: dict[str, Table] = {
    "x + y": lambda x, y, p: (x + y) % p,
    "x - y": lambda x, y, p: (x - y) % p,
    "x / y": lambda x, y, p: x * _inverse(y, p) % p,
    "x / y if y is odd, else x - y": lambda x, y, p: np.where(y % 2, x * _inverse(y, p), x - y) % p,
    "x^2 + y^2": lambda x, y, p: (x**2 + y**2) % p,
    "x^2 + xy + y^2": lambda x, y, p: (x**2 + x * y + y**2) % p,
    "x^2 + xy + y^2 + x": lambda x, y, p: (x**2 + x * y + y**2 + x) % p,
    "x^3 + xy": lambda x, y, p: (x**3 + x * y) % p,
    "x^3 + xy^2 + y": lambda x, y, p: (x**3 + x * y**2 + y) % p,
}
PERMUTATIONS = ("S5: xy", "S5: xyx^-1", "S5: xyx")
OPERATIONS = (*MODULAR, *PERMUTATIONS)
LARGEST = 401


@dataclass(frozen=True, eq=False)
class Task:
    """A whole table.

    Attributes:
        operation: one of ``OPERATIONS``.
        p: number of symbols, which is also the number of answers.
        x, y, answer: int64 [pair], each below ``p``.
    """

    operation: str
    p: int
    x: np.ndarray
    y: np.ndarray
    answer: np.ndarray

    def __len__(self) -> int:
        return len(self.answer)

    @property
    def periodic(self) -> bool:
        """Whether answers depend on x + y alone, so that Fourier measures mean something."""
        return self.operation == "x + y"

    @property
    def title(self) -> str:
        return self.operation if self.operation in PERMUTATIONS else f"{self.operation} mod {self.p}"


def make_task(operation: str, p: int) -> Task:
    """The table of an operation.

    Args:
        p: the modulus, a prime of 5 to ``LARGEST``; S5 has 120 symbols whatever it is.

    Raises:
        SpecError: an unknown operation, or a modulus that is too small, too large or not prime.
    """
    if operation not in OPERATIONS:
        raise SpecError(
            f"{operation!r} is not known.", where="task", next_step=f"Choose among {', '.join(OPERATIONS)}."
        )
    if operation in PERMUTATIONS:
        return _permutation_task(operation)
    if not 5 <= p <= LARGEST or any(p % i == 0 for i in range(2, int(p**0.5) + 1)):
        raise SpecError(f"{p} cannot be the modulus.", where="p", next_step=f"Choose a prime from 5 to {LARGEST}.")
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(p), np.arange(p), indexing="ij"))
    if "/" in operation:
        x, y = x[y > 0], y[y > 0]
    return Task(operation, p, x, y, MODULAR[operation](x, y, p))


def _inverse(y: np.ndarray, p: int) -> np.ndarray:
    """The number that times ``y`` leaves 1 modulo a prime; 0 for 0."""
    return np.array([0, *(pow(i, -1, p) for i in range(1, p))])[y]


def _permutation_task(operation: str) -> Task:
    elements = list(permutations(range(5)))
    number = {element: i for i, element in enumerate(elements)}

    def product(*factors: tuple[int, ...]) -> tuple[int, ...]:
        result = tuple(range(5))
        for factor in reversed(factors):
            result = tuple(factor[i] for i in result)
        return result

    def answer(x: tuple[int, ...], y: tuple[int, ...]) -> int:
        inverse = tuple(x.index(i) for i in range(5))
        last = {"S5: xy": (), "S5: xyx^-1": (inverse,), "S5: xyx": (x,)}[operation]
        return number[product(x, y, *last)]

    pairs = [(i, j, answer(x, y)) for i, x in enumerate(elements) for j, y in enumerate(elements)]
    x, y, answers = np.array(pairs).T
    return Task(operation, len(elements), x, y, answers)
