"""Values as Python source, for the scripts that reproduce a result."""

from __future__ import annotations

from pprint import pformat


def literal(value: object) -> str:
    """A Python literal made by ``repr``, wrapped: whatever a user wrote in it stays data."""
    return pformat(value, width=118, compact=True, sort_dicts=False)
