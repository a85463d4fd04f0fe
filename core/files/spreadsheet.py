"""The first sheet of an Excel workbook, as text; a workbook is a zip archive of XML that may come from anywhere."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time
from typing import Any

from core.errors import PromptError

MAX_UNPACKED = 60_000_000  # bytes
MAX_PARTS = 500
MAX_LINES, MAX_COLUMNS = 20_000, 100


def sheet_cells(data: bytes, filename: str) -> list[list[str]]:
    """The rows of the first sheet, as wide as the widest; numbers, dates and truth values become text.

    Raises:
        PromptError: no workbook, or one that unpacks to too much.
    """
    _check_size(data, filename)
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file claims of its size is not believed
        rows = [
            [_text(value) for value in row]
            for row in sheet.iter_rows(values_only=True, max_row=MAX_LINES + 1, max_col=MAX_COLUMNS)
        ]
    except Exception as error:  # the reader raises whatever its XML leads it to
        raise _no_workbook(filename) from error
    if len(rows) > MAX_LINES:
        raise PromptError(f"The sheet has more than {MAX_LINES} rows.", where=filename, next_step="Split it.")
    filled = [row for row in rows if any(row)]
    width = max((i + 1 for row in filled for i, value in enumerate(row) if value), default=0)
    return [[*row[:width], *[""] * (width - len(row))] for row in filled]


def _check_size(data: bytes, filename: str) -> None:
    """Archives declare how much their parts unpack to, and unpacking stops there."""
    try:
        parts = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise _no_workbook(filename) from error
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise PromptError(
            f"The workbook unpacks to more than {MAX_UNPACKED} bytes or {MAX_PARTS} parts.",
            where=filename,
            next_step="Save only the sheet that is needed, or bring it as CSV.",
        )


def _no_workbook(filename: str) -> PromptError:
    return PromptError("The file is no sound Excel workbook.", where=filename, next_step="Save it as .xlsx or as CSV.")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)
