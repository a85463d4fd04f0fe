"""``python -m core verify``: patch the nodes that an estimate ranks highest, and say how sure the ranking is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from core.commands.options import add_device, at_least_one, show_progress
from core.errors import SpecError
from core.terms import counted

CONFIDENCES = (0.9, 0.99, 0.999)  # core.patching.trust.bound has them, and torch with it
FAMILY_NAMES = ("attention", "neurons", "writes")


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    parser = commands.add_parser("verify", help="patch the highest nodes of a stored estimate exactly")
    parser.set_defaults(run=run)
    parser.add_argument("--result", required=True, type=Path, help="folder that `attribute` wrote, by an AtP method")
    amount = parser.add_mutually_exclusive_group(required=True)
    amount.add_argument("--budget", type=int, help="forward passes to spend; a node costs one a pair")
    amount.add_argument("--top", type=int, help="verify so many nodes, in estimated order")
    amount.add_argument("--sure", type=int, metavar="K", help="verify until the true top K are certain")
    parser.add_argument("--confidence", type=float, default=0.99, choices=CONFIDENCES, help="of --sure")
    parser.add_argument("--family", choices=FAMILY_NAMES, help="which nodes; default: the first that the result has")
    parser.add_argument("--samples", type=int, default=1024, help="subsets patched to bound what was missed; 0: none")
    parser.add_argument("--seed", type=int, default=0, help="of those subsets")
    parser.add_argument("--out", required=True, type=Path, help="folder for verified.csv; one that is there goes on")
    add_device(parser)


def run(options: argparse.Namespace) -> None:
    """Check the options, verify, bound, write the folder. Stopped by Ctrl+C, it keeps what was found."""
    from core.export.folder import read_folder
    from core.export.trust.verification import FILES, resume, write_verification
    from core.export.whole import refuse_foreign
    from core.models.load import load_model
    from core.patching.trust.verification import Goal, begin, carry_on
    from core.patching.trust.verify import nodes_for_budget

    _check(options)
    refuse_foreign(options.out.resolve(), FILES)
    result = read_folder(options.result)
    verified = begin(result, options.family)
    if len(verified.pairs) < len(result.pairs):
        left = len(result.pairs) - len(verified.pairs)
        print(f"warning: {counted(left, 'pair')} left out: not {len(verified.pairs[0])} tokens long", file=sys.stderr)
    resume(verified, options.out)
    dtype = verified.spec.dtype if options.dtype == "auto" else options.dtype
    model = load_model(verified.spec.model, device=options.device, dtype=dtype)
    count = options.top or (nodes_for_budget(verified.state, options.budget) if options.budget else 0)
    goal = Goal(count, sure_of=options.sure, confidence=options.confidence)
    on_step = show_progress if sys.stderr.isatty() else None
    try:
        carry_on(verified, model, goal, samples=options.samples, seed=options.seed, on_step=on_step)
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
    write_verification(verified, options.out)
    for line in verified.words():
        print(line)
    print(options.out / "verified.csv")


def _check(options: argparse.Namespace) -> None:
    at_least_one(options, "budget", "top", "sure")
    if options.sure is not None and options.samples < 1:
        raise SpecError("Certainty needs subsets that bound the other nodes.", where="--samples")
    if options.samples < 0:
        raise SpecError("The number must not be negative.", where="--samples")
