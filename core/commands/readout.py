"""``python -m core readout``: direct logit attribution and the logit lens, as tidy tables."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from core.commands.options import add_question, read_question
from core.errors import SpecError
from core.terms import counted

FILES = ("direct.csv", "lens.csv", "run.json")


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    parser = commands.add_parser("readout", help="what every head and MLP writes into the answer; the logit lens")
    parser.set_defaults(run=run)
    add_question(parser)
    parser.add_argument("--run", dest="which", default="clean", choices=("clean", "corrupt"), help="which prompts")
    parser.add_argument("--lens-pairs", type=int, default=8, help="the logit lens of so many pairs (0: none)")
    parser.add_argument(
        "--all-positions", action="store_true", help="direct parts at every position, not only the last"
    )
    parser.add_argument("--out", required=True, type=Path, help="folder for direct.csv, lens.csv and run.json")


def run(options: argparse.Namespace) -> None:
    """Check the options, read, write the folder whole."""
    if options.lens_pairs < 0:
        raise SpecError("The number must not be negative.", where="--lens-pairs")
    if options.metric != "logit_diff":
        raise SpecError("Direct attribution reads the logit difference.", where="--metric")
    from core.export.whole import refuse_foreign, whole_folder
    from core.readouts.tables import direct_table, lens_table
    from core.runs.laboratory import LabSpec, write_lab_run

    refuse_foreign(options.out.resolve(), FILES)
    loaded = read_question(options)
    began = time.perf_counter()
    direct, residue = direct_table(loaded.model, loaded.tokens, run=options.which, last=not options.all_positions)
    lens = lens_table(loaded.model, loaded.tokens[: options.lens_pairs], run=options.which)
    settings = {
        "pairs": loaded.pairs.digest,
        "revision": loaded.model.revision,
        "dtype": loaded.model.card.precision,
        "run": options.which,
        "all_positions": options.all_positions,
        "lens_pairs": options.lens_pairs,
    }
    spec = LabSpec("readouts", f"Readouts of {options.pairs.stem}"[:120], loaded.model.model_id, settings)
    with whole_folder(options.out, FILES) as partial:
        direct.to_csv(partial / "direct.csv", index=False, lineterminator="\n")
        lens.to_csv(partial / "lens.csv", index=False, lineterminator="\n")
        write_lab_run(spec, partial, items=len(loaded.tokens), seconds=time.perf_counter() - began)
    loaded.write_skipped(options.out)
    print(f"{counted(len(loaded.tokens), 'pair')}; parts sum to the logit difference within {residue:.1e}")
    print(f"{options.out / 'direct.csv'}  {options.out / 'lens.csv'}")
