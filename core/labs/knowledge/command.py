"""``python -m core knowledge``: probes on contrast pairs, and whether they find the truth or a distractor."""

from __future__ import annotations

import argparse

from core.commands.options import listed
from core.errors import SpecError
from core.labs.knowledge import audit_command
from core.labs.knowledge.options import DEFAULT, add_study, run_and_write, settings_of

DISTRACTORS = "none, word, opinion, implicit, persona, reworded, opinion:2 … opinion:7"
METHODS = "ccs, ccs-original, pca, kmeans, random, logistic, mass-mean, zero-shot, zero-shot-calibrated"


def add(commands: argparse._SubParsersAction, name: str, *, aliases: tuple[str, ...] = ()) -> None:
    """Add this command, and ``audit`` beside it."""
    parser = commands.add_parser(name, aliases=aliases, help="do probes find the truth of statements, or a distractor?")
    parser.set_defaults(run=run)
    add_study(parser)
    parser.add_argument("--distractor", default="none", help=f"comma-separated, of {DISTRACTORS}")
    parser.add_argument("--layers", default="", help="comma-separated, or all; 0 is the embedding. Default: one")
    parser.add_argument("--methods", default=DEFAULT, help=f"comma-separated, of {METHODS}")
    parser.add_argument("--save-activations", action="store_true", help="also write activations.safetensors")
    audit_command.add(commands)


def run(options: argparse.Namespace) -> None:
    """Check the options, run, write the folder."""
    names = listed(options.distractor)
    layers = () if options.layers == "all" else tuple(_whole(name) for name in listed(options.layers))
    settings = settings_of(options, conditions=names, layers=layers, methods=listed(options.methods))
    run_and_write(options, settings, all_layers=options.layers == "all")


def _whole(name: str) -> int:
    if not name.isdigit():
        raise SpecError(f"{name!r} is no layer.", where="--layers", next_step="Example: --layers 15,20,25")
    return int(name)
