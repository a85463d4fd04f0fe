"""How a long computation reports and stops: two plain functions that the caller may pass in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import Cancelled

OnStep = Callable[[int, int], None]
OnLoad = Callable[[int, int, str], None]  # done, total, and what is being done, in words
IsCancelled = Callable[[], bool]


@dataclass
class Progress:
    """Counts work done against a known total; raises Cancelled when its owner asked to stop."""

    total: int
    on_step: OnStep | None = None
    cancelled: IsCancelled | None = None
    done: int = 0

    def check(self) -> None:
        if self.cancelled is not None and self.cancelled():
            raise Cancelled

    def extend(self, amount: int) -> None:
        """There are ``amount`` more units of work than was known."""
        self.total += amount

    def advance(self, amount: int) -> None:
        """Report ``amount`` more units of work, then check for cancellation."""
        self.done += amount
        if self.on_step is not None:
            self.on_step(min(self.done, self.total), self.total)
        self.check()
