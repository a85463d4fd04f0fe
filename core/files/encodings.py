"""Bytes to text: UTF-8, UTF-16, and Windows-1252 where nothing else fits, which is said."""

from __future__ import annotations

import codecs

from core.errors import PromptError
from core.files.problems import Problem

_MARKS = (
    (codecs.BOM_UTF32_LE, ""),  # before UTF-16, whose mark it starts with; not read
    (codecs.BOM_UTF32_BE, ""),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HEAD = 4_000  # bytes that are looked at for zeros
_MANY = 0.3  # share of zero bytes in every second place of UTF-16 that is mostly Latin
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r"))


def decode(data: bytes, filename: str) -> tuple[str, list[Problem]]:
    """A file's text, and what is to be said about how it was read.

    Raises:
        PromptError: the bytes are no text in any of the encodings.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), _by_zeros(data))
    if not encoding:
        raise PromptError("The file is UTF-32, which is not read.", where=filename, next_step="Save it as UTF-8.")
    try:
        return data.decode(encoding), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = f"line {line} holds the byte 0x{data[error.start]:02X}"
        what = f"The file is not {'UTF-8' if '8' in encoding else 'UTF-16'}: {place} at offset {error.start}."
        if encoding != "utf-8" or any(control in data for control in _CONTROLS):
            raise PromptError(what, where=filename, next_step="Save it with the encoding UTF-8.") from error
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        raise PromptError(what, where=filename, next_step="Save it with the encoding UTF-8.") from None
    advice = "Look at the letters with accents; if they are wrong, save the file as UTF-8."
    return text, [Problem(None, "warning", f"{what} It was read as Windows-1252.", advice)]


def _by_zeros(data: bytes) -> str:
    """The encoding of text without a mark: Latin letters in UTF-16 are zero in every second byte."""
    head = data[:_HEAD]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > _MANY * len(head) / 2 and even < odd / 4:
        return "utf-16-le"
    if even > _MANY * len(head) / 2 and odd < even / 4:
        return "utf-16-be"
    return "utf-8"
