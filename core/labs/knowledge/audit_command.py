"""``python -m core audit``: a card on the checks that a knowledge probe should pass, for our methods or one's own."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.commands.options import listed
from core.labs.knowledge.options import DEFAULT, add_study, read_data, run_and_write, settings_of


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    parser = commands.add_parser("audit", help="does a probe hold up when something other than the truth stands out?")
    parser.set_defaults(run=run)
    add_study(parser)
    parser.add_argument("--probe", type=Path, help="safetensors or npz: direction, layer, and bias if you like")
    parser.add_argument("--layer", type=int, help="of our own methods; default: three fifths of the way up")
    parser.add_argument("--methods", default=DEFAULT, help="audited beside the probe, comma-separated")


def run(options: argparse.Namespace) -> None:
    """Every condition that the statements allow, at one layer."""
    from core.labs.knowledge.settings import audit_conditions

    statements, _ = read_data(options)
    layers = () if options.layer is None else (options.layer,)
    settings = settings_of(
        options,
        conditions=audit_conditions(statements),
        layers=layers,
        focus=-1,
        methods=listed(options.methods),
    )
    run_and_write(options, settings, probe=options.probe)
