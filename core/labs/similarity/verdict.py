"""What a study says: means with intervals, similarity against its rivals, and the sentences made of them.

Intervals are 95 % Student t intervals over seeds; differences are paired by seed, which share questions and exams.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from scipy import stats

from core.labs.similarity.settings import ASKED, NAMES
from core.terms import counted

Standing = Literal["agrees", "partly", "does not agree", "cannot tell"]
CLAIM = (
    "Features learned from answers about which behaviours are alike support preferences better than features learned "
    "without a person, or from preferences for other tasks (Bobu et al. 2023)."
)
LIMITS = (
    "simulated people whose answers come from the same features that rewards are made of, one small world, and "
    "intervals over seeds of that world alone. A study with real people may differ."
)
RIVALS = ("vae", "random", "raw", "single", "multi")


@dataclass(frozen=True)
class Verdict:
    """One panel. ``shown`` are sentences in plain text."""

    standing: Standing
    shown: tuple[str, ...]


def interval(values: pd.Series) -> dict[str, float | None]:
    """Mean, and the ends of its 95 % interval over seeds; None where there is one seed."""
    n, mean = len(values), float(values.mean())
    if n < 2:
        return {"mean": mean, "low": None, "high": None}
    half = float(stats.t.ppf(0.975, n - 1)) * float(values.std(ddof=1)) / math.sqrt(n)
    return {"mean": mean, "low": mean - half, "high": mean + half}


def summarise(table: pd.DataFrame) -> dict[str, Any]:
    """``means`` of every representation, and ``differences``: similarity minus each rival at equal answers."""
    means = [
        {"representation": name, "noise": float(noise), "answers": int(n), "seeds": len(part)}
        | {column: interval(part[column]) for column in ("fpe", "tpa", "violated")}
        for (name, noise, n), part in table.groupby(["representation", "noise", "answers"], sort=False)
    ]
    return {"means": means, "differences": _differences(table), "seconds": round(float(table["seconds"].sum()), 2)}


def _differences(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for (noise, n), ours in table[table["representation"] == "sirl"].groupby(["noise", "answers"]):
        for rival in RIVALS:
            theirs = table[table["representation"] == rival]
            if rival in ASKED:
                theirs = theirs[(theirs["noise"] == noise) & (theirs["answers"] == n)]
            if len(theirs):
                gap = ours.set_index("seed")["tpa"] - theirs.set_index("seed")["tpa"]
                rows.append({"rival": rival, "noise": float(noise), "answers": int(n), "tpa": interval(gap)})
    return rows


def judge(summary: dict[str, Any]) -> Verdict:
    """The panel of a study.

    Args:
        summary: what ``summarise`` gave, from the study's file.
    """
    noises = sorted({row["noise"] for row in summary["differences"]})
    if not noises:
        return Verdict("cannot tell", ("Similarity (SIRL) is not among the representations compared.",))
    gaps = [row for row in summary["differences"] if row["noise"] == noises[0]]
    lines = [*_bought(summary, noises[0]), *(_against(rival, gaps) for rival in RIVALS), *_noise(summary, noises)]
    return Verdict(_standing(gaps), tuple(line for line in lines if line))


def _standing(gaps: list[dict[str, Any]]) -> Standing:
    """Agrees where every interval lies above 0; partly where some do."""
    if not gaps or any(row["tpa"]["low"] is None for row in gaps):
        return "cannot tell"
    above = [row["tpa"]["low"] > 0 for row in gaps]
    return "agrees" if all(above) else "partly" if any(above) else "does not agree"


def _against(rival: str, gaps: list[dict[str, Any]]) -> str:
    own = [row for row in gaps if row["rival"] == rival]
    if not own:
        return ""
    parts = [f"{_points(row['tpa'], signed=True)} at {row['answers']} answers" for row in own]
    better = [row["answers"] for row in own if (row["tpa"]["low"] or 0) > 0]
    worse = [row["answers"] for row in own if row["tpa"]["high"] is not None and row["tpa"]["high"] < 0]
    end = ""
    if not better and not worse:
        end = " No clear difference."
    elif len(better) < len(own):
        end = f" Clearly better at {_listed(better)}; clearly worse at {_listed(worse)}."
    return f"Against {NAMES[rival]}, in points of preference accuracy: {'; '.join(parts)}.{end}"  # type: ignore[index]


def _bought(summary: dict[str, Any], noise: float) -> list[str]:
    """What a person's quarter of an hour buys: about a hundred answers."""
    own = [row for row in summary["means"] if row["representation"] == "sirl" and row["noise"] == noise]
    if not own:
        return []
    row = min(own, key=lambda row: abs(row["answers"] - 100))
    fpe, oracle = row["fpe"]["mean"], [r for r in summary["means"] if r["representation"] == "oracle"]
    text = (
        f"{row['answers']} answers (a hundred take a person about a quarter of an hour) give a preference accuracy of "
        f"{_points(row['tpa'])} %, over {counted(row['seeds'], 'seed')}"
    )
    text += f"; the true features would give {_points(oracle[0]['tpa'])} %" if oracle else ""
    return [f"{text}. Of the features' variance {100 * fpe:.0f} % is still missed."]


def _noise(summary: dict[str, Any], noises: list[float]) -> list[str]:
    lines = []
    rows = {(r["noise"], r["answers"]): r["tpa"] for r in summary["means"] if r["representation"] == "sirl"}
    for noise in noises[1:]:
        parts = [
            f"{100 * (rows[noise, n]['mean'] - rows[noises[0], n]['mean']):+.1f} at {n}"
            for n in sorted({n for _, n in rows})
        ]
        what = f"With {100 * noise:.0f} % of the answers random instead of {100 * noises[0]:.0f} %"
        lines.append(
            f"{what}, similarity's accuracy changes by (points): {'; '.join(parts)} answers.".replace("-", "−")
        )
    return lines


def _points(value: dict[str, float | None], *, signed: bool = False) -> str:
    """``81.2 [79.0, 83.4]``, in hundredths."""
    form = "+.1f" if signed else ".1f"
    text = format(100 * (value["mean"] or 0.0), form)
    if value["low"] is not None and value["high"] is not None:
        text += f" [{format(100 * value['low'], form)}, {format(100 * value['high'], form)}]"
    return text.replace("-", "−")


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) + " answers" if numbers else "no number of answers"
