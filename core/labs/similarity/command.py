"""``python -m core similarity``: representations from similarity answers, against their rivals."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from core.commands.options import listed, read_bytes, show_progress
from core.errors import SpecError

LAB = "similarity"
WORLDS = ("grid", "arm")
DEFAULT = "sirl,vae,random,single,multi,raw,oracle"


def add(commands: argparse._SubParsersAction, name: str, *, aliases: tuple[str, ...] = ()) -> None:
    """Add the command."""
    what = "representations from answers about which behaviours are alike"
    parser = commands.add_parser(name, aliases=aliases, help=what)
    parser.set_defaults(run=run)
    parser.add_argument("--world", default="grid", choices=WORLDS)
    parser.add_argument("--answers", help="comma-separated numbers of answers; default: 25,100,500, or all of the file")
    parser.add_argument("--representations", default=DEFAULT, help=f"comma-separated, of {DEFAULT}")
    parser.add_argument("--noise", default="0", help="comma-separated shares of answers that are random")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--fine-tune", action="store_true", help="train the networks along with each reward")
    parser.add_argument("--answers-file", type=Path, help="CSV of a person's answers, for sirl")
    parser.add_argument("--out", required=True, type=Path, help="folder for representations.csv and summary.json")


def run(options: argparse.Namespace) -> None:
    """Check the options, train and measure, write the folder whole, and say what was found."""
    from core.export.whole import refuse_foreign, whole_folder
    from core.labs.similarity.order import spec_of
    from core.labs.similarity.record import FILES, SUMMARY, TABLE
    from core.labs.similarity.settings import Settings
    from core.runs.laboratory import write_lab_run

    given = _given(options)
    settings = Settings(
        world=options.world,
        representations=tuple(listed(options.representations)),  # type: ignore[arg-type]
        answers=_numbers(options.answers or (str(len(given)) if given else "25,100,500"), "--answers", int),
        noise=_numbers(options.noise, "--noise", float),
        seed=options.seed,
        seeds=options.seeds,
        given=given,
        fine_tune=options.fine_tune,
    )
    refuse_foreign(options.out.resolve(), FILES)
    from core.labs.similarity.study import run_study

    on_step, began = (show_progress if sys.stderr.isatty() else None), time.perf_counter()
    with whole_folder(options.out, FILES) as partial:
        run_study(settings, partial, on_step=on_step)
        write_lab_run(spec_of(settings), partial, items=settings.runs, seconds=time.perf_counter() - began)
        summary = json.loads((partial / SUMMARY).read_text(encoding="utf-8"))
    for line in _lines(summary):
        print(line)
    print(options.out / TABLE)


def _given(options: argparse.Namespace) -> tuple[tuple[int, int, int], ...]:
    if options.answers_file is None:
        return ()
    from core.labs.similarity.answers.record import read_answers, triples
    from core.worlds.listed.catalogue import load_world

    behaviours = load_world(options.world)
    answers = read_answers(
        read_bytes(options.answers_file, "--answers-file").decode("utf-8-sig", "replace"), behaviours
    )
    return triples(answers)


def _numbers(text: str, where: str, kind: type) -> tuple:
    try:
        return tuple(kind(part) for part in listed(text))
    except ValueError:
        raise SpecError(f"{text!r} are not numbers.", where=where, next_step="Part them by commas.") from None


def _lines(summary: dict) -> list[str]:
    """One line a representation, noise and number of answers."""
    lines = ["representation answers noise    FPE    TPA  violated"]
    for row in summary["means"]:
        fpe, tpa, violated = (row[name]["mean"] for name in ("fpe", "tpa", "violated"))
        what = f"{row['representation']:<14} {row['answers']:>7} {row['noise']:>5g}"
        lines.append(f"{what} {fpe:>6.3f} {tpa:>6.3f} {violated:>9.3f}")
    return lines
