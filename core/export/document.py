"""A figure as one HTML file that works without a network: figure, caption, provenance and data."""

from __future__ import annotations

from html import escape
from typing import Any, Protocol

import pandas as pd

from core.html import CONTENT_POLICY

MOST_ROWS = 2000

STYLE = """
body{font-family:"Source Sans 3","Helvetica Neue",Helvetica,Arial,sans-serif;color:#1d2433;background:#fff;
max-width:60rem;margin:2rem auto;padding:0 1.5rem;line-height:1.45}
h1{font-size:1.35rem;margin:0 0 1rem}figure{margin:0 0 1.5rem}figcaption{color:#475467;margin-top:.5rem}
summary{cursor:pointer;font-weight:600;margin:.75rem 0 .4rem}
table{border-collapse:collapse;font-size:.85rem}td,th{text-align:left;padding:.15rem .8rem .15rem 0;vertical-align:top;
border-bottom:1px solid #e4e7ec;white-space:pre-wrap;overflow-wrap:anywhere}th{font-weight:600}
"""


class Figure(Protocol):
    """What is needed of a plotly figure."""

    def to_html(self, **settings: Any) -> str: ...


def figure_document(
    figure: Figure, *, title: str, caption: str, provenance: dict[str, Any], data: pd.DataFrame | None = None
) -> str:
    """The whole file as text (about 5 MB: it holds the drawing library).

    Args:
        figure: drawn in the light theme.
        title, caption: plain text.
        provenance: nested names and values; shown as a table.
        data: the numbers behind the figure; beyond 2 000 rows the file says how many are missing.
    """
    drawing = figure.to_html(
        full_html=False,
        include_plotlyjs=True,
        div_id="figure",
        config={"displaylogo": False, "responsive": True, "toImageButtonOptions": {"format": "svg"}},
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{CONTENT_POLICY}'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n<h1>{escape(title)}</h1>\n"
        f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>\n"
        f"<details open><summary>How it was made</summary>{provenance_table(provenance)}</details>\n"
        f"{'' if data is None else data_table(data)}</body></html>\n"
    )


def provenance_table(values: dict[str, Any]) -> str:
    """Nested names and values as an HTML table, escaped."""
    rows = (f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in _flat(values))
    return f"<table>{''.join(rows)}</table>"


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for name, value in values.items():
        rows += _flat(value, f"{prefix}{name} · ") if isinstance(value, dict) else [(f"{prefix}{name}", _text(value))]
    return rows


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def data_table(data: pd.DataFrame) -> str:
    """The numbers behind a figure as HTML that opens on a click; beyond 2 000 rows it says how many are missing."""
    shown = data.head(MOST_ROWS)
    head = "".join(f"<th>{escape(str(name))}</th>" for name in shown.columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(_cell(cell))}</td>' for cell in row)}</tr>"
        for row in shown.itertuples(index=False)
    )
    cut = f"<p>The first {MOST_ROWS} of {len(data)} rows.</p>" if len(data) > MOST_ROWS else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<details><summary>Data ({len(data)} rows)</summary>{cut}{table}</details>\n"


def _cell(cell: object) -> str:
    return "" if cell is None or pd.isna(cell) else str(cell)  # type: ignore[call-overload]
