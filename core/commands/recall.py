"""``python -m core recall``: what each method spends until the true top K are all verified."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from core.commands.options import add_question, at_least_one, node_kinds, of_one_length, read_question, show_progress
from core.errors import SpecError
from core.terms import METHODS, NODE_KINDS

ALL = "atp,atp-qk,atp-graddrop,atp-star,iterative,subsampling,blocks,hierarchical"


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    parser = commands.add_parser("recall", help="the cost of verified recall, for AtP, its repairs and rival methods")
    parser.set_defaults(run=run)
    add_question(parser)
    parser.add_argument("--nodes", default="q,k,v,z", help=f"comma-separated, of {', '.join(NODE_KINDS)}")
    parser.add_argument("--methods", default=ALL, help=f"comma-separated, of {ALL}")
    parser.add_argument("--seeds", type=int, default=3, help="runs of every method that draws at random")
    parser.add_argument("--samples", type=int, default=1024, help="most subsets that subsampling draws")
    parser.add_argument("--bound-samples", type=int, default=1024, help="subsets drawn for each bound; 0: no bounds")
    parser.add_argument("--out", required=True, type=Path, help="folder for recall.csv, summary.json and bound.csv")


def run(options: argparse.Namespace) -> None:
    """Check the options, run one contest a family of nodes, write the folder."""
    from core.export.trust.recall import FILES, write_recall
    from core.export.whole import refuse_foreign
    from core.patching.nodes import by_family
    from core.patching.question import ask
    from core.patching.trust.contest import CONTESTANTS, run_contest

    methods = [name.strip() for name in options.methods.split(",") if name.strip()]
    for name in methods:
        if name not in CONTESTANTS:
            raise SpecError(f"{name!r} is not known.", where="--methods", next_step=f"Choose among {ALL}.")
    if not methods:
        raise SpecError("No method was chosen.", where="--methods", next_step=f"Choose among {ALL}.")
    if options.metric == "kl" and options.direction == "noising" and set(methods) & set(METHODS):
        raise SpecError(
            "The KL divergence from the clean run has gradient 0 there, so every AtP estimate would be 0.",
            where="--metric",
            next_step="Use the denoising direction, another metric, or only methods that patch.",
        )
    at_least_one(options, "seeds", "samples")
    if options.bound_samples < 0:
        raise SpecError("The number must not be negative.", where="--bound-samples")
    families = by_family(node_kinds(options.nodes))
    refuse_foreign(options.out.resolve(), FILES)
    loaded = read_question(options)
    pairs = of_one_length(loaded.tokens)
    contests = []
    for family, kinds in families.items():
        question = ask(loaded.model, pairs, kinds=kinds, metric=options.metric, direction=options.direction)
        contests.append(
            run_contest(
                question,
                family,
                kinds,
                methods=methods,
                seeds=options.seeds,
                samples=options.samples,
                bound_samples=options.bound_samples,
                on_step=show_progress if sys.stderr.isatty() else None,
            )
        )
    write_recall(contests, loaded.model, pairs, options.out, metric=options.metric, direction=options.direction)
    loaded.write_skipped(options.out)
    for contest in contests:
        for entrant in contest.entrants:
            costs = contest.relative_costs(entrant)
            print(f"{contest.family:<10} {entrant.method:<13} {sum(costs) / len(costs):8.2f}  {entrant.setting}")
    print(options.out / "recall.csv")
