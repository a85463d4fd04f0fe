"""``python -m core grokking``: train one of the grokking experiments, or run the three-ingredient simulation."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.options import at_least_one, show_progress
from core.commands.unfinished import going_on
from core.errors import SpecError

if TYPE_CHECKING:
    from core.labs.grokking.settings import Settings

REGIMES = ("grok", "nodecay", "ungrok", "semigrok", "efficiency", "toy")


def add(commands: argparse._SubParsersAction, name: str, *, aliases: tuple[str, ...] = ()) -> None:
    """Add the command."""
    parser = commands.add_parser(name, aliases=aliases, help="train small transformers that grok, ungrok or semi-grok")
    parser.set_defaults(run=run)
    parser.add_argument("--regime", required=True, choices=REGIMES, help="toy: the three-ingredient simulation")
    parser.add_argument("--preset", default="small", choices=("small", "paper"), help="small: minutes on two cores")
    parser.add_argument("--seed", type=int, default=0, help="the first of the preset's seeds")
    parser.add_argument("--seeds", type=int, help="how many seeds; default: the preset's")
    parser.add_argument("--steps", type=int, help="optimiser steps of each run; default: the preset's")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="where to train")
    parser.add_argument("--out", required=True, type=Path, help="folder for curves.parquet and summary.json")


def run(options: argparse.Namespace) -> None:
    """Check the options, train, write the folder. Stopped or killed, the same command goes on."""
    if options.regime == "toy":
        _simulate(options)
        return
    from core.labs.grokking.experiment import run_experiment
    from core.labs.grokking.record import FILES

    settings, on_step = _settings(options), show_progress if sys.stderr.isatty() else None

    def compute(scratch: Path, finished: Path) -> dict[str, Any]:
        return run_experiment(settings, scratch=scratch, out=finished, device=options.device, on_step=on_step)

    summary = going_on(options.out, FILES, settings.to_json(), "experiment", compute)
    for line in _lines(summary):
        print(line)
    print(options.out.resolve() / "curves.parquet")


def _settings(options: argparse.Namespace) -> Settings:
    from core.labs.grokking.presets import preset
    from core.labs.grokking.settings import smaller

    at_least_one(options, "seeds", "steps")
    if options.seed < 0:
        raise SpecError("The seed must not be negative.", where="--seed")
    if options.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise SpecError("There is no CUDA device here.", where="--device", next_step="Use --device cpu.")
    settings = preset(options.regime, options.preset, seed=options.seed)
    if options.seeds:
        settings = smaller(settings, seeds=tuple(range(options.seed, options.seed + options.seeds)))
    return smaller(settings, steps=options.steps) if options.steps else settings


def _lines(summary: dict[str, Any]) -> list[str]:
    """One line a run, then the seconds."""
    lines = ["  size decay labels seed train 100  test 95 test acc   norm"]
    for row in summary["runs"]:
        steps = [row[name] for name in ("step_train_100", "step_test_95")]
        t100, t95 = ("–" if step is None else str(step) for step in steps)
        lines.append(
            f"{row['n_train']:>6} {row['weight_decay']:>5g} {row['labels']:>6} {row['seed']:>4} {t100:>9} {t95:>8} "
            f"{row['test_acc']:>8.3f} {row['norm']:>6.1f}"
        )
    return [*lines, f"{summary['seconds']:.0f} s"]


def _simulate(options: argparse.Namespace) -> None:
    from core.export.whole import whole_folder
    from core.labs.grokking.simulation import Ingredients, course_table, simulate

    ingredients = Ingredients(**({"steps": options.steps} if options.steps else {}))
    course = simulate(ingredients)
    with whole_folder(options.out, ("curves.parquet", "summary.json")) as folder:
        course_table(course).to_parquet(folder / "curves.parquet", index=False)
        summary = {
            "ingredients": vars(ingredients),
            "end_ratio": float(course.ratio[-1]),
            "closed_form_ratio": ingredients.end_ratio,
            "generalises_at": course.generalises_at,
            "final": {"train_loss": float(course.train_loss[-1]), "test_loss": float(course.test_loss[-1])},
        }
        (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(f"M / G at the end {course.ratio[-1]:.6f}, closed form {ingredients.end_ratio:.6f}")
    print(options.out / "curves.parquet")
