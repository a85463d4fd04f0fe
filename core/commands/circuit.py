"""``python -m core circuit``: score every edge, and run circuits of growing size."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from core.circuits.settings import EDGE_METHODS, METHOD_NAMES, SPANS, CircuitSettings
from core.commands.options import add_question, listed, of_one_length, read_question, show_progress


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    parser = commands.add_parser("circuit", help="edges between heads and MLPs, and what circuits of them explain")
    parser.set_defaults(run=run)
    add_question(parser)
    parser.add_argument(
        "--methods", default=",".join(EDGE_METHODS), help=f"comma-separated, of {', '.join(EDGE_METHODS)}"
    )
    parser.add_argument("--spans", default="summed", help=f"comma-separated, of {', '.join(SPANS)}")
    parser.add_argument("--pairs-used", type=int, default=10, metavar="N", help="only the first N pairs (default 10)")
    parser.add_argument("--steps", type=int, default=5, help="of EAP-IG")
    parser.add_argument("--seeds", type=int, default=3, help="random orders in the curve")
    parser.add_argument("--no-curve", action="store_true", help="scores only: no circuit is run")
    parser.add_argument("--out", required=True, type=Path, help="folder for edges.csv, curve.csv and run.json")


def run(options: argparse.Namespace) -> None:
    """Check the options, compute, write the folder whole, say what was found."""
    from core.circuits.stored import FILES, read_run
    from core.circuits.study import run_study
    from core.export.whole import refuse_foreign, whole_folder
    from core.runs.laboratory import LabSpec, write_lab_run

    settings = CircuitSettings(
        methods=listed(options.methods),  # type: ignore[arg-type]
        spans=listed(options.spans),  # type: ignore[arg-type]
        metric=options.metric,
        direction=options.direction,
        most_pairs=options.pairs_used,
        steps=options.steps,
        seeds=options.seeds,
        curve=not options.no_curve,
    )
    refuse_foreign(options.out.resolve(), FILES)
    loaded = read_question(options)
    pairs = of_one_length(loaded.tokens)
    began = time.perf_counter()
    with whole_folder(options.out, FILES) as partial:
        on_step = show_progress if sys.stderr.isatty() else None
        count = run_study(loaded.model, pairs, settings, partial, on_step=on_step)
        more = {"revision": loaded.model.revision, "dtype": loaded.model.card.precision}
        data = {"pairs": loaded.pairs.digest, "circuit": settings.to_json(), **more}
        spec = LabSpec("circuit", f"Circuit on {options.pairs.stem}"[:120], loaded.model.model_id, data)
        write_lab_run(spec, partial, items=count, seconds=time.perf_counter() - began)
    loaded.write_skipped(options.out)
    found = read_run(options.out)
    for method in settings.methods if settings.curve else ():
        rows = found.curve[(found.curve.method == method) & (found.curve.span == settings.spans[0])]
        shares = ", ".join(f"{100 * row.share:g} %: {row.faithfulness:.2f}" for row in rows.itertuples())
        print(f"{METHOD_NAMES[method]}, faithfulness by share of {found.n_all[settings.spans[0]]} edges: {shares}")
    print(options.out / "edges.csv")
