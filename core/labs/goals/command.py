"""``python -m core goals``: train agents, move them to where the goals come apart, and say which one they learned."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.options import at_least_one, listed, show_progress
from core.commands.unfinished import going_on
from core.errors import SpecError

if TYPE_CHECKING:
    from core.labs.goals.settings import Settings, Variant
    from core.runs.laboratory import LabSpec

QUESTIONS = "questions"
WORLDS = ("corner", "tree", "partner", "monsters", QUESTIONS)
# Options that list values of a field of the world's settings, and what a value is.
FIELDS: dict[str, tuple[type, str]] = {
    "corner": (int, "corner: sides of the corner that holds the cheese"),
    "random_levels": (float, "corner: shares of levels with the cheese anywhere"),
    "regrowth": (float, "tree: least probabilities of a new tree in a step"),
    "partner": (str, "partner: who walks along, of expert,anti,nobody"),
    "horizon": (int, "monsters: steps of an episode"),
    "encoding": (str, "monsters: what is seen, of nearest,counts,board"),
}


@dataclass(frozen=True)
class Order:
    """What was asked for: the run, how many agents it is about, what computes it, and what is said of it."""

    spec: LabSpec
    items: int
    compute: Callable[..., dict[str, Any]]
    lines: Callable[[dict[str, Any]], list[str]]


def add(commands: argparse._SubParsersAction, name: str, *, aliases: tuple[str, ...] = ()) -> None:
    """Add the command."""
    parser = commands.add_parser(name, aliases=aliases, help="agents that keep their skill and lose the point")
    parser.set_defaults(run=run)
    parser.add_argument("--world", required=True, choices=WORLDS)
    parser.add_argument("--preset", default="small", choices=("small", "paper"), help="small: minutes on one core")
    parser.add_argument("--seed", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--seeds", type=int, help="how many; default: the preset's")
    parser.add_argument("--steps", type=int, help="of the world in training, for each agent; default: the preset's")
    for field, (_, words) in FIELDS.items():
        flag = f"--{field.replace('_', '-')}"
        parser.add_argument(flag, help=f"comma-separated; {words}; every combination trains")
    parser.add_argument("--no-unknowns", help="comma-separated; questions: shares of dialogues without unknowns")
    parser.add_argument("--out", required=True, type=Path, help="folder for episodes.parquet and summary.json")


def run(options: argparse.Namespace) -> None:
    """Check the options, train and test, write the folder whole, say what was found. Stopped or killed, it goes on."""
    from core.labs.goals.record import EPISODES, FILES
    from core.runs.laboratory import write_lab_run

    order = _questions(options) if options.world == QUESTIONS else _study(options)
    on_step, began = show_progress if sys.stderr.isatty() else None, time.perf_counter()

    def compute(scratch: Path, finished: Path) -> dict[str, Any]:
        summary = order.compute(scratch=scratch, out=finished, on_step=on_step)
        write_lab_run(order.spec, finished, items=order.items, seconds=time.perf_counter() - began)
        return summary

    summary = going_on(options.out, FILES, order.spec.settings, "study", compute)
    for line in order.lines(summary):
        print(line)
    print(options.out.resolve() / EPISODES)


def _study(options: argparse.Namespace) -> Order:
    """Agents of a task world."""
    from core.labs.goals.order import spec_of

    if options.no_unknowns is not None:
        raise SpecError(
            f"{options.world} has no dialogues.", where="--no-unknowns", next_step="Take --world questions."
        )
    settings = _settings(options)
    from core.labs.goals.study import run_study

    return Order(spec_of(settings), settings.agents, partial(run_study, settings), _lines)


def _questions(options: argparse.Namespace) -> Order:
    """Helpers that are asked to evaluate expressions."""
    from core.labs.goals.questions.settings import PRESETS, spec_of

    at_least_one(options, "seeds", "steps")
    for field in FIELDS:
        if getattr(options, field) is not None:
            where = f"--{field.replace('_', '-')}"
            raise SpecError("Questions has no such setting.", where=where, next_step="Take --no-unknowns.")
    settings = replace(PRESETS[options.preset], seed=options.seed)
    given = {name: getattr(options, name) for name in ("seeds", "steps") if getattr(options, name) is not None}
    if options.no_unknowns is not None:
        given["shares"] = tuple(_numbers(options.no_unknowns, float, "--no-unknowns"))
    settings = replace(settings, **given)
    from core.labs.goals.questions.study import run_questions, told

    return Order(spec_of(settings), len(settings.runs), partial(run_questions, settings), told)


def _settings(options: argparse.Namespace) -> Settings:
    from core.labs.goals.settings import preset

    at_least_one(options, "seeds", "steps")
    return preset(
        options.world,
        options.preset,
        seed=options.seed,
        seeds=options.seeds,
        steps=options.steps,
        variants=_variants(options),
    )


def _variants(options: argparse.Namespace) -> tuple[Variant, ...] | None:
    """Every combination of the values that are named; None where none is."""
    given = {field: _values(getattr(options, field), field) for field in FIELDS if getattr(options, field) is not None}
    if not given:
        return None
    return tuple(dict(zip(given, values, strict=True)) for values in product(*given.values()))


def _values(text: str, field: str) -> list[Any]:
    return _numbers(text, FIELDS[field][0], f"--{field.replace('_', '-')}")


def _numbers(text: str, kind: type, flag: str) -> list[Any]:
    try:
        return [kind(part) for part in listed(text)]
    except ValueError:
        raise SpecError(f"{text!r} are not numbers.", where=flag, next_step="Part them by commas.") from None


def _lines(summary: dict[str, Any]) -> list[str]:
    """One line a setting, shift and policy, then the verdicts."""
    lines = [f"{'setting':<30} {'shift':<12} {'policy':<9} intended    proxy"]
    for row in summary["means"]:
        intended, proxy = (row[f"return_{goal}"]["mean"] for goal in ("intended", "proxy"))
        lines.append(f"{row['setting']:<30} {row['shift']:<12} {row['policy']:<9} {intended:>8.2f} {proxy:>8.2f}")
    for row in summary["verdicts"]:
        parts = [f"{name} {row[name]['standing']}" for name in ("competent", "falls", "skill", "explained")]
        lines.append(f"{row['setting']}, {row['shift']}: misgeneralised: {row['misgeneralised']} ({'; '.join(parts)})")
    return [*lines, f"{summary['seconds']:.0f} s"]
