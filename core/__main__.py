"""The command line: ``python -m core COMMAND``; one command for each part of the instrument and each laboratory."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

os.environ.setdefault("TQDM_DISABLE", "1")  # libraries' own progress bars
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_VERBOSITY", "error")

from core.commands import attribute, circuit, models, pairs, readout, recall, verify
from core.errors import UserError
from core.labs.registry import LABORATORIES

INSTRUMENT = (models, pairs, attribute, verify, recall, readout, circuit)


class Parser(argparse.ArgumentParser):
    """Reports a wrong option in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 2 with one line on stderr when the user can mend it."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except UserError as error:
        print(f"error: {error.one_line()}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m core", description="Circuitarium without a browser.")
    commands = parser.add_subparsers(required=True, metavar="command", parser_class=Parser)
    for part in INSTRUMENT:
        part.add(commands)
    for laboratory in LABORATORIES:
        laboratory.add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
