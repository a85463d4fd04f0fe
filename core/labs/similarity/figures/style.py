"""One colour, dash and mark a representation, on every figure."""

from __future__ import annotations

from core.figures.style import Theme
from core.labs.similarity.settings import Representation

COLOURS: dict[Theme, dict[str, str]] = {
    "light": {"sirl": "#c43c6c", "multi": "#2b7bba", "single": "#d98200", "vae": "#008a63"}
    | {"random": "#8a93a3", "raw": "#7a5cc0", "oracle": "#1d2433"},
    "dark": {"sirl": "#f17fa5", "multi": "#62bbee", "single": "#f2a93b", "vae": "#35c79a"}
    | {"random": "#8a93a3", "raw": "#b39df0", "oracle": "#f2f4f7"},
}
DASHES: dict[Representation, str] = {
    "sirl": "solid",
    "multi": "dash",
    "single": "dashdot",
    "vae": "longdash",
    "random": "dot",
    "raw": "longdashdot",
    "oracle": "solid",
}
MARKS: dict[Representation, str] = {"sirl": "circle", "multi": "diamond", "single": "square"}
