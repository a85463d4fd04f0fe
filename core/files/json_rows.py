"""JSON as rows: one object a line, a list of objects, or one object that holds such a list."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from core.errors import PromptError
from core.files.problems import quoted


@dataclass(frozen=True)
class Fault:
    """Why a row cannot be read."""

    what: str
    next_step: str


class _Doubled(dict):
    """An object in which keys come more than once."""

    doubles: list[str]


def json_rows(text: str, filename: str, *, lines: bool) -> list[dict[str, Any] | Fault]:
    """Rows of a file; a line or item that is no sound object is a fault of its row.

    Args:
        lines: the file is named as one of lines, so an object in it is a row and no holder of a list.

    Raises:
        PromptError: several lists in one object.
    """
    try:
        whole = _loads(text)
    except (ValueError, RecursionError) as error:
        if not lines and not text.lstrip().startswith("{"):
            raise _unsound(error, filename) from error
        return [_of_line(line) for line in text.split("\n") if line.strip()]
    if isinstance(whole, dict) and not lines:
        whole = _held(whole, filename)
    return [_checked(item) for item in (whole if isinstance(whole, list) else [whole])]


def _held(whole: dict[str, Any], filename: str) -> Any:
    """The list of objects that an object holds, or the object itself where it holds none."""
    lists = [name for name, value in whole.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if len(lists) > 1:
        what = f"The file holds several lists: {quoted(lists)}."
        raise PromptError(what, where=filename, next_step="Bring one of them as a file of its own.")
    return whole[lists[0]] if lists else whole


def _of_line(line: str) -> dict[str, Any] | Fault:
    try:
        return _checked(_loads(line))
    except (ValueError, RecursionError) as error:
        return Fault(f"The line is not sound JSON: {error}.", "Write one JSON object a line.")


def _checked(item: Any) -> dict[str, Any] | Fault:
    if not isinstance(item, dict):
        return Fault("The row is not a JSON object.", "Write one JSON object a line.")
    doubled = next((part for part in (item, *item.values()) if isinstance(part, _Doubled)), None)
    if doubled is not None:
        return Fault(f"Keys that are there more than once: {quoted(doubled.doubles)}.", "Keep one of each.")
    return item


def _loads(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_object)


def _object(items: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(items)
    if len(values) == len(items):
        return values
    doubled = _Doubled(values)
    doubled.doubles = [key for key, count in Counter(key for key, _ in items).items() if count > 1]
    return doubled


def _unsound(error: Exception, filename: str) -> PromptError:
    return PromptError(f"The file is not sound JSON: {error}.", where=filename, next_step="Bring a list of objects.")
