"""Values of a row: what a text may hold, and several values in one cell.

A cell of a CSV file or a sheet holds several texts parted by ``|``. A ``|`` that belongs to a text is written ``\\|``;
backslashes in front of a ``|`` are doubled, all others stand for themselves. A cell with nothing on one side of a
``|``, and special tokens such as ``<|endoftext|>``, are texts as they stand. Lists as Python, NumPy and JSON print
them (``['a', 'b']``, ``['a' 'b']``) are read, too.
"""

from __future__ import annotations

import ast
import re
from typing import Any

_PIPES = re.compile(r"(\\*)\|")
_SPECIAL = re.compile(r"<\|[^|<>]*\|>")
_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_ITEM = re.compile(rf"\s*({_QUOTED}|-?\d{{1,12}}(?=[\s,]|$))\s*,?\s*", re.DOTALL)


def fault_of(name: str, value: Any, most: int) -> tuple[str, str] | None:
    """Why a value is no text of at most ``most`` characters, and the next step; None: it is one."""
    if not isinstance(value, str):
        return f"The {name} is of type {type(value).__name__}, not text.", "Put it in double quotes."
    if len(value) > most:
        return f"The {name} has {len(value)} characters.", f"Shorten it to {most} at most."
    if "\0" in value:
        return f"The {name} holds a NUL character.", "Remove it."
    if any("\ud800" <= character <= "\udfff" for character in value):
        return f"The {name} holds half of a surrogate pair, which is no character.", "Remove or complete it."
    return None


def texts_of(cell: str) -> tuple[str, ...]:
    """The texts of one cell; a single one for most."""
    listed = items_of(cell)
    if listed and all(isinstance(item, str) for item in listed):
        return tuple(map(str, listed))
    if _SPECIAL.fullmatch(cell.strip()):
        return (cell,)
    parts, start = [""], 0
    for match in _PIPES.finditer(cell):
        slashes = len(match[1])
        parts[-1] += cell[start : match.start()] + "\\" * (slashes // 2) + ("|" if slashes % 2 else "")
        start = match.end()
        if slashes % 2 == 0:
            parts.append("")
    parts[-1] += cell[start:]
    return tuple(parts) if all(parts) else (cell,)


def cell_of(texts: tuple[str, ...]) -> str:
    """The inverse of ``texts_of``; a single text stands as it is where it is read as itself."""
    *first, last = (_PIPES.sub(lambda match: match[1] * 2 + r"\|", text) for text in texts)
    parted = "|".join([*(text + "\\" * _slashes(text) for text in first), last])
    ways = (*texts[: len(texts) == 1], parted)
    return next((way for way in ways if texts_of(way) == texts), repr(list(texts)))


def _slashes(text: str) -> int:
    """Backslashes at the end."""
    return len(text) - len(text.rstrip("\\"))


def items_of(cell: str) -> tuple[str | int, ...] | None:
    """Texts or whole numbers of a list as it is printed, with or without commas; None: the cell is no such list."""
    inner = cell.strip()
    if not (inner.startswith("[") and inner.endswith("]")):
        return None
    inner, found, place = inner[1:-1].strip(), [], 0
    while place < len(inner):
        match = _ITEM.match(inner, place)
        if match is None:
            return None
        try:
            found.append(ast.literal_eval(match[1]))
        except (ValueError, SyntaxError):
            return None
        place = match.end()
    return tuple(found) or None
