"""A row of download buttons that runs in the reader's browser: SVG and PNG at print size, no Chrome on the server.

The snippet is for an iframe. It draws the figure off screen with plotly.js, so that an SVG's text stays text.
"""

from __future__ import annotations

import json
import re
from html import escape
from typing import Literal, Protocol

from core.html import CONTENT_POLICY, script_json

Theme = Literal["light", "dark"]
INK = {"light": "#1d2433", "dark": "#e6e9ef"}
EDGE = {"light": "#c3c8d2", "dark": "#3b4454"}


class Figure(Protocol):
    """What is needed of a plotly figure."""

    def to_json(self) -> str: ...


SCRIPT = """
const at = id => document.getElementById(id);
async function save(format) {
  const figure = structuredClone(figures[at("columns").value]);
  if (at("clear").checked) figure.layout.paper_bgcolor = "rgba(0,0,0,0)";
  const {width, height} = figure.layout;
  at("status").textContent = "drawing …";
  try {
    const url = await Plotly.toImage(figure, {format, width, height, scale: format === "png" ? 300 / 96 : 1});
    const link = document.createElement("a");
    link.href = url;
    link.download = name + "." + format;
    document.body.append(link);
    link.click();
    link.remove();
    at("status").textContent = "";
  } catch (error) {
    at("status").textContent = "The browser could not draw the file.";
  }
}
for (const format of ["svg", "png"]) {
  at(format).addEventListener("click", () => save(format));
  at(format).disabled = false;  // until now the library was being loaded
}
"""


def download_row(
    one_column: Figure, two_columns: Figure, *, name: str, script_url: str, theme: Theme = "light", height: int = 34
) -> str:
    """HTML of the row.

    Args:
        one_column, two_columns: the figure at its two print sizes, in the light theme (``figures.printing.for_print``).
        name: file name without ending; characters other than letters, digits, dot, dash and underscore become dashes.
        script_url: where the page's server offers plotly.js.
        theme: the page's theme, for the buttons.
        height: of the row, in CSS pixels.
    """
    figures = {"1": json.loads(one_column.to_json()), "2": json.loads(two_columns.to_json())}
    data = f"const figures={script_json(figures)},name={script_json(file_name(name))};"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{CONTENT_POLICY}'
        f"<style>{_style(theme, height)}</style></head><body>"
        '<button id="svg" disabled>SVG</button><button id="png" disabled>PNG</button>'
        '<select id="columns" aria-label="Width"><option value="1">one column, 3.35 in</option>'
        '<option value="2">two columns, 6.9 in</option></select>'
        '<label><input type="checkbox" id="clear">transparent</label><span id="status" role="status"></span>'
        f'<script src="{escape(script_url)}"></script><script>{data}{SCRIPT}</script></body></html>'
    )


def file_name(text: str) -> str:
    """A text as a file name that every system takes."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:80] or "figure"


def _style(theme: Theme, height: int) -> str:
    return (
        f"body{{margin:0;height:{height}px;display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;background:transparent;"
        f"color:{INK[theme]};color-scheme:{theme};"
        'font:14px "Source Sans 3","Source Sans","Helvetica Neue",Arial,sans-serif}'
        f"button,select{{font:inherit;color:inherit;background:transparent;border:1px solid {EDGE[theme]};"
        "border-radius:.5rem;padding:.2rem .7rem;cursor:pointer}option{color:#1d2433}"
        "button:hover,select:hover{border-color:currentColor}label{display:flex;gap:.3rem;align-items:center}"
        "button:focus-visible,select:focus-visible{outline:2px solid #2166ac;outline-offset:1px}"
    )
