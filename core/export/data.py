"""The numbers behind a figure as JSON, with all that is needed to read and repeat them."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from core.export.folder import run_json
from core.patching.results.result import AttributionResult


def data_json(table: pd.DataFrame, *, caption: str, results: tuple[AttributionResult, ...]) -> bytes:
    """``{"caption", "runs", "data"}``: an entry of ``runs`` a result, one of ``data`` a row.

    Missing values and NaN are ``null``.
    """
    rows = [{str(name): _plain(cell) for name, cell in row.items()} for row in table.to_dict("records")]
    content = {"caption": caption, "runs": [run_json(result) for result in results], "data": rows}
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False).encode()


def _plain(cell: Any) -> Any:
    if pd.isna(cell):
        return None
    return cell.item() if hasattr(cell, "item") else cell
