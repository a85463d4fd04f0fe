"""PNG, SVG and PDF made on the server, where a Chrome is found (the browser's own row needs none; see ``browser``)."""

from __future__ import annotations

import importlib.util
import os
import shutil
from functools import cache
from typing import Any, Literal, Protocol

from core.errors import UserError

Format = Literal["png", "svg", "pdf"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PNG_SCALE = 300 / 96  # 300 dots an inch


class Figure(Protocol):
    """What is needed of a plotly figure."""

    def to_plotly_json(self) -> dict[str, Any]: ...


@cache
def chrome() -> str | None:
    """Path of a Chrome that kaleido can drive, or None (no Chrome, or kaleido is not installed). Probed once."""
    return browser_path() if importlib.util.find_spec("kaleido") is not None else None


def browser_path() -> str | None:
    """Path of a Chrome on this machine, ``BROWSER_PATH`` first, or None."""
    named = os.environ.get("BROWSER_PATH", "")
    if named and os.access(named, os.X_OK):
        return named
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def figure_image(figure: Figure, format: Format) -> bytes:
    """A figure that has its print size (see ``figures.printing.for_print``) as a file's content.

    Raises:
        UserError: no Chrome was found, or it could not draw.
    """
    path = chrome()
    if path is None:
        raise UserError(
            "This server has no Chrome to draw the file with.",
            next_step="Use SVG or PNG from the browser, or install chromium and the kaleido package.",
        )
    import kaleido  # optional extra

    drawing = figure.to_plotly_json()
    size = {"width": drawing["layout"]["width"], "height": drawing["layout"]["height"]}
    options = {"format": format, **size, "scale": PNG_SCALE if format == "png" else 1}
    try:
        # mathjax=False: by default it would be fetched from a content network.
        return kaleido.calc_fig_sync(drawing, opts=options, kopts={"path": path, "mathjax": False})
    except Exception as error:  # kaleido raises whatever its browser does
        raise UserError(f"Chrome could not draw the figure ({type(error).__name__}).") from error
