"""``python -m core models``: the models known by name."""

from __future__ import annotations

import argparse

from core.models.catalogue import CATALOGUE, DEFAULT


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    commands.add_parser("models", help="list the models known by name").set_defaults(run=run)


def run(_: argparse.Namespace) -> None:
    """One line a model."""
    for entry in CATALOGUE:
        mark = "  (default, ships with the app)" if entry.id == DEFAULT else ""
        print(f"{entry.id:<14} {entry.parameters / 1e6:>6.0f} M  {entry.family:<9} {entry.location}{mark}")
