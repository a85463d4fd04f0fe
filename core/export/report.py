"""A report: figures with notes, methods, provenance and data, as one HTML file that opens without a network."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from core.export.browser import file_name
from core.export.document import STYLE, Figure, data_table, provenance_table
from core.export.folder import run_json
from core.export.methods import methods_text
from core.export.table import shown_csv
from core.html import CONTENT_POLICY
from core.patching.results.result import AttributionResult

MORE_STYLE = """
h2{font-size:1.1rem;margin:2rem 0 .5rem}section{break-inside:avoid}.note{white-space:pre-wrap}
.by{color:#475467}@media print{details{display:none}details.keep{display:block}body{margin:0;max-width:none}}
"""


@dataclass(frozen=True)
class Item:
    """One figure of a report.

    Attributes:
        title, caption, note: plain text.
        figure: drawn in the light theme.
        data: the numbers it shows; all of them go into the file.
        runs: digests of the runs behind it.
    """

    title: str
    figure: Figure
    caption: str
    data: pd.DataFrame
    runs: tuple[str, ...]
    note: str = ""


def report_document(
    items: Sequence[Item], results: Sequence[AttributionResult], *, title: str, introduction: str = ""
) -> str:
    """The whole file as text (about 5 MB: it holds the drawing library once).

    Args:
        results: the runs behind the items, each once.
        title, introduction: plain text.
    """
    methods = "".join(f"<p>{escape(paragraph)}</p>\n" for paragraph in methods_text(results))
    body = "".join(_section(i, item) for i, item in enumerate(items))
    made = "".join(_provenance(result) for result in results)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{CONTENT_POLICY}'
        f"<title>{escape(title)}</title><style>{STYLE}{MORE_STYLE}</style></head><body>\n<h1>{escape(title)}</h1>\n"
        f'<p class="note">{escape(introduction)}</p>\n{body}'
        f"{f'<h2>Methods</h2>{methods}<h2>Provenance</h2>{made}' if results else ''}</body></html>\n"
    )


def _section(index: int, item: Item) -> str:
    drawing = item.figure.to_html(
        full_html=False,
        include_plotlyjs=index == 0,
        div_id=f"figure-{index + 1}",
        config={"displaylogo": False, "responsive": True, "toImageButtonOptions": {"format": "svg"}},
    )
    runs = f'<p class="by">Runs: {escape(", ".join(item.runs))}</p>' if item.runs else ""
    note = f'<p class="note">{escape(item.note)}</p>' if item.note else ""
    return (
        f"<section><h2>{index + 1}. {escape(item.title)}</h2>{note}\n<figure>{drawing}"
        f"<figcaption>{escape(item.caption)}</figcaption></figure>{runs}</section>\n{data_table(item.data)}"
        f"{_download(item)}\n"
    )


def _download(item: Item) -> str:
    """Every number, as a file inside the file."""
    content = base64.b64encode(shown_csv(item.data)).decode()
    return f'<p><a download="{file_name(item.title)}.csv" href="data:text/csv;base64,{content}">Data as CSV</a></p>'


def _provenance(result: AttributionResult) -> str:
    made = run_json(result) | {"pairs": len(result.pairs)}
    name = f"{result.spec.method}, {result.spec.digest}"
    return f'<details class="keep"><summary>{escape(name)}</summary>{provenance_table(made)}</details>\n'
