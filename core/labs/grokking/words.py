"""Claims of the paper, what an experiment shows of them, and what it cannot show; sentences made of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from core.labs.grokking.regimes import Regime, Settings

Standing = Literal["agrees", "partly", "does not agree", "cannot tell"]
SAME_PLACE = 1.25  # thresholds of two weight decays closer than this factor count as one
SEVERAL = 2  # plateaus; one may be chance
SHARP = 3.0  # from 20 to 80 % within this factor of the set size counts as sharp


@dataclass(frozen=True)
class Verdict:
    """One panel. ``shown`` are sentences in plain text."""

    claim: str
    standing: Standing
    shown: tuple[str, ...]
    limits: str


CLAIMS: dict[str, str] = {
    "grok": "A network first memorises its training pairs; much later, under weight decay, it changes to a solution "
    "that holds for unseen pairs too, because that one gives the same logits at a smaller norm.",
    "nodecay": "The explanation rests on weight decay, which makes the efficient solution win. It says nothing of "
    "grokking without it.",
    "ungrok": "A network that has generalised, trained on with fewer than a critical number of pairs, goes back to "
    "memorising. The change is sharp in the number of pairs (prediction 2), and its end point does not depend on the "
    "strength of weight decay (prediction 3).",
    "semigrok": "Close to the critical size, some networks change late to a solution that gets a middling share of the "
    "unseen pairs right, and stay there (prediction 4).",
    "efficiency": "Memorising costs more norm the more pairs there are; the general solution costs the same for any "
    "number. Where the two cross lies the critical size (prediction 1).",
}
LIMITS: dict[str, str] = {
    "grok": "A few seeds of a small network on one table at a high learning rate; the size of the training set and the "
    "weight decay were chosen so that the delay fits into a minute. It shows that and when, not why. Where x and y can "
    "be swapped, a network that has only memorised is right on unseen pairs whose mirror image it has seen: with half "
    "of the table, on up to half of them.",
    "nodecay": "A run that has not generalised by the last step might do so later.",
    "ungrok": "One table, a small network, a fixed number of steps: runs just above the threshold may still be "
    "falling. The threshold is read off means over few seeds. Networks grok on part of the table first and then see "
    "all of it, so that nothing is memorised when pairs are taken away; the paper trains on all from the start.",
    "semigrok": "The paper trains hundreds of runs for tens of millions of steps. Here a plateau may be the slow start "
    "of full generalisation, as the paper warns of its own; a few plateaus among few runs are no rate.",
    "efficiency": "The norm of the whole network stands for the norm of one circuit. Runs on true labels that passed "
    "are nearly pure by their test accuracy; the share of their logits in the trigonometric solution stands beside it.",
}


def judge(settings: Settings, numbers: dict[str, Any]) -> Verdict:
    """The panel of an experiment.

    Args:
        numbers: ``verdict`` of its summary.
    """
    makers = {"grok": _grok, "nodecay": _grok, "ungrok": _ungrok, "semigrok": _semi, "efficiency": _efficiency}
    standing, sentences = makers[settings.regime](numbers, settings.regime)
    return Verdict(CLAIMS[settings.regime], standing, tuple(sentences), LIMITS[settings.regime])


def _grok(numbers: dict[str, Any], regime: Regime) -> tuple[Standing, list[str]]:
    lines, rows = [], numbers["by_weight_decay"]
    for row in rows:
        line = (
            f"Weight decay {row['weight_decay']:g}: {row['memorised']} of {row['n']} runs learned every training pair, "
            f"{row['generalised']} reached 95 % on unseen pairs, {row['grokked']} of them at least three times later."
        )
        if row["delay"]:
            delay = row["delay"]
            line += f" Delay: {delay['median']:.1f} times ({delay['low']:.1f} to {delay['high']:.1f})."
        lines.append(f"{line} Final accuracy on unseen pairs: {_range(row['final_test_acc'], 100, 0)} %.")
    if regime == "nodecay":
        return "cannot tell", lines
    grokked, n = (sum(row[name] for row in rows) for name in ("grokked", "n"))
    return ("agrees" if grokked == n else "partly" if grokked else "does not agree"), lines


def _ungrok(numbers: dict[str, Any], _: Regime) -> tuple[Standing, list[str]]:
    lines = [f"Before, every network gets at least {100 * numbers['starts_at']:.1f} % of the unseen pairs right."]
    thresholds = [row["n_train"] for row in numbers["threshold"]]
    for threshold, spread in zip(numbers["threshold"], numbers["from_20_to_80"]):
        own = [row for row in numbers["points"] if row["weight_decay"] == threshold["weight_decay"]]
        ends = (
            f"{100 * own[0]['test_acc']:.0f} % at {own[0]['n_train']} pairs and {100 * own[-1]['test_acc']:.0f} % at "
        )
        line = f"Weight decay {threshold['weight_decay']:g}: accuracy on unseen pairs ends at {ends}"
        line += f"{own[-1]['n_train']} (means of {own[0]['n']} seeds)."
        if threshold["n_train"]:
            line += f" It passes 50 % at {threshold['n_train']:.0f} pairs"
        if spread["low"] and spread["high"]:
            line += f", and goes from 20 to 80 % between {spread['low']:.0f} and {spread['high']:.0f}"
        lines.append(line.rstrip(".") + ".")
    gap, seeds = numbers["largest_difference_between_weight_decays"], numbers["largest_spread_between_seeds"]
    if gap is not None:
        lines.append(
            f"Between weight decays the means differ by at most {100 * gap:.0f} points of accuracy; between seeds of "
            f"one setting runs differ by up to {100 * seeds:.0f}."
        )
    unsettled = sum(row["n"] - row["settled"] for row in numbers["points"])
    lines.append(f"Runs whose training loss had not settled below 0.01: {unsettled}.")
    sharp = all(r["low"] and r["high"] and r["high"] / r["low"] <= SHARP for r in numbers["from_20_to_80"])
    found = [t for t in thresholds if t]
    same = len(found) == len(thresholds) and max(found) / min(found) <= SAME_PLACE if found else False
    return ("agrees" if sharp and same else "partly" if sharp or same else "does not agree"), lines


def _semi(numbers: dict[str, Any], _: Regime) -> tuple[Standing, list[str]]:
    counts, n = numbers["counts"], len(numbers["runs"])
    parts = ", ".join(f"{counts[kind]} {kind}" for kind in sorted(counts, key=lambda kind: -counts[kind]))
    lines = [f"Of {n} runs: {parts}."]
    for row in numbers["runs"]:
        if row["kind"] in ("semi-grokked", "transient"):
            what = f"ends at {100 * row['test_acc']:.0f} % on unseen pairs"
            lines.append(f"Seed {row['seed']} with {row['n_train']} pairs: {row['kind']}, {what}.")
    lines.append(f"Chance is {100 * numbers['chance']:.1f} %.")
    plateaus = counts.get("semi-grokked", 0)
    if plateaus >= SEVERAL:
        return "agrees", lines
    return ("partly" if plateaus or counts.get("transient") else "cannot tell"), lines


def _efficiency(numbers: dict[str, Any], _: Regime) -> tuple[Standing, list[str]]:
    lines = [
        f"{numbers['n_memorised']} of {numbers['n_random']} runs on random labels learned all of them, "
        f"{numbers['n_generalised']} of {numbers['n_true']} on true labels reach 99 % on unseen pairs; only these "
        "count."
    ]
    fraction = numbers["trig_fraction"]
    if fraction:
        lines.append(
            f"Trig fraction of the latter's logits: {_range(fraction, 100, 0)} %; the paper asks for more than 95 %, "
            f"which {numbers['n_trig_95']} reach."
        )
    good = []
    for fit in numbers["fits"]:
        memory, solution, size = (fit[name] for name in ("memory_slope", "solution_slope", "critical_size"))
        if memory is None:
            lines.append(f"Weight decay {fit['weight_decay']:g}: too few runs to fit.")
            continue
        lines.append(
            f"Weight decay {fit['weight_decay']:g}: norm grows as pairs to the power {_interval(memory)} when "
            f"memorising, {_interval(solution)} when generalising; they cross at {_interval(size, 0)} pairs (95 % "
            "intervals)."
        )
        good.append((memory["low"] > 0, solution["low"] <= 0 <= solution["high"]))
    if not good:
        return "cannot tell", lines
    grows, level = (all(column) for column in zip(*good))
    return ("agrees" if grows and level else "partly" if grows or level else "does not agree"), lines


def _range(values: dict[str, float], scale: float = 1.0, digits: int = 1) -> str:
    """Median, and the range over runs in brackets."""
    middle, low, high = (f"{scale * values[name]:.{digits}f}" for name in ("median", "low", "high"))
    return middle if low == high else f"{middle} ({low} to {high})"


def _interval(values: dict[str, float], digits: int = 2) -> str:
    middle, low, high = (f"{values[name]:.{digits}f}".replace("-", "−") for name in ("value", "low", "high"))
    return f"{middle} ({low} to {high})"
