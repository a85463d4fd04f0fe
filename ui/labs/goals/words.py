"""Verdicts and numbers in words."""

from __future__ import annotations

from typing import Any

from core.labs.goals.interval import Interval
from core.labs.goals.settings import Settings, variant_name

STANDINGS = {"holds": "green", "fails": "red", "cannot tell": "gray"}
MISGENERALISED = {
    "holds": ("misgeneralised", "orange"),
    "fails": ("not all conditions hold", "blue"),
    "cannot tell": ("cannot tell", "gray"),
}
NAMES = {
    "competent": "Competent in training",
    "falls": "The intended return falls",
    "skill": "Skill is kept",
    "explained": "The proxy explains the actions better",
}


def sentence(row: dict[str, Any]) -> str:
    """One verdict in one sentence, with its numbers."""
    value = {name: row[name]["value"] for name in NAMES}
    kept = value["skill"]
    skill = "their proxy return tells nothing, as the proxy's script does no better than chance,"
    if kept["mean"] is not None:
        skill = f"their proxy return is {_percent(kept)} of its script's,"
    return (
        f"In training, agents get {_percent(value['competent'])} of the better script's reward. Under the test "
        f"“{row['shift']}” their intended return falls by {_points(value['falls'])}, {skill} and the proxy makes "
        f"their actions likelier than the intention does by {_nats(value['explained'])}."
    )


def clearest(rows: list[dict[str, Any]]) -> int:
    """Which test to show first: one in which all conditions hold, and the intended return falls the most."""
    return max(
        range(len(rows)),
        key=lambda i: (rows[i]["misgeneralised"] == "holds", rows[i]["falls"]["value"]["mean"] or 0.0),
    )


def short_names(settings: Settings) -> dict[str, str]:
    """Names of the trainings for figures: without the fields in which all of them are alike."""
    first, *others = settings.variants
    alike = {field for field, value in first.items() if all(other.get(field) == value for other in others)}
    if len(alike) == len(first):
        alike = set()
    return {
        variant_name(variant): variant_name({k: v for k, v in variant.items() if k not in alike})
        for variant in settings.variants
    }


def condition(name: str, found: dict[str, Any]) -> str:
    """One of the conditions: its value with the interval, and the bar."""
    words, bar = {"falls": _points, "explained": _nats}.get(name, _percent), found["bar"]
    beyond = {"falls": f"{100 * bar:.0f} points", "explained": "0"}.get(name, f"{100 * bar:.0f} %")
    return f"{NAMES[name]}: {words(found['value'])}, to be above {beyond}"


def with_interval(value: Interval, digits: int = 2) -> str:
    """``0.94 [0.92, 0.96]``; a dash where there is nothing to average."""
    return _shown(value, 1, digits, "")


def knobs(settings: Settings) -> str:
    """What the fields of the trainings mean."""
    fields = {field for variant in settings.variants for field in variant}
    named = [f"*{knob.field}* is: {knob.title.lower()}" for knob in settings.task.knobs if knob.field in fields]
    return "; ".join(named)


def _percent(value: Interval) -> str:
    return _shown(value, 100, 0, " %")


def _points(value: Interval) -> str:
    return _shown(value, 100, 0, " percentage points")


def _nats(value: Interval) -> str:
    return _shown(value, 1, 2, " nats an action")


def _shown(value: Interval, times: float, digits: int, unit: str) -> str:
    mean, low, high = value["mean"], value["low"], value["high"]
    if mean is None:
        return "– (not measurable)" if unit else "–"
    text = f"{number(times * mean, digits)}{unit}"
    if low is not None and high is not None:
        text += f" [{number(times * low, digits)}, {number(times * high, digits)}]"
    return text


def number(value: float, digits: int) -> str:
    """With a true minus sign, and none before a zero."""
    return f"{round(float(value), digits) + 0.0:.{digits}f}".replace("-", "−")
