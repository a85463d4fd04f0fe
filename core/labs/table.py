"""The README's table of laboratories: ``python -m core.labs.table``."""

from __future__ import annotations

from core.labs.registry import LABORATORIES


def table() -> str:
    """One row a laboratory, as Markdown."""
    rows = [f"| {lab.title} | {lab.question} | {lab.paper} | `{lab.name}` |" for lab in LABORATORIES]
    return "\n".join(["| laboratory | question | after | command |", "|---|---|---|---|", *rows])


if __name__ == "__main__":
    print(table())
