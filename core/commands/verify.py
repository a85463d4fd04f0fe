"""``python -m core verify``: patch the nodes that an estimate ranks highest, and say how sure the ranking is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from core.commands.question import add_device, of_one_length, show_progress
from core.errors import SpecError

FAMILY_NAMES = ("attention", "neurons", "writes")


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    parser = commands.add_parser("verify", help="patch the highest nodes of a stored estimate exactly")
    parser.set_defaults(run=run)
    parser.add_argument("--result", required=True, type=Path, help="folder that `attribute` wrote, by an AtP method")
    amount = parser.add_mutually_exclusive_group(required=True)
    amount.add_argument("--budget", type=int, help="forward passes to spend; a node costs one a pair")
    amount.add_argument("--top", type=int, help="verify so many nodes, in estimated order")
    parser.add_argument("--family", choices=FAMILY_NAMES, help="which nodes; default: the first that the result has")
    parser.add_argument("--samples", type=int, default=1024, help="subsets patched to bound what was missed; 0: none")
    parser.add_argument("--seed", type=int, default=0, help="of those subsets")
    parser.add_argument("--out", required=True, type=Path, help="folder for verified.csv; one that is there goes on")
    add_device(parser)


def run(options: argparse.Namespace) -> None:
    """Check the options, verify, bound, write the folder. Stopped by Ctrl+C, it keeps what was found."""
    from core.export.folder import read_folder
    from core.export.verification import FILES, Verified, read_state, write_verification
    from core.export.whole import refuse_foreign
    from core.models.load import load_model
    from core.patching.bound import Bound, bounds_after
    from core.patching.nodes import all_nodes, by_family
    from core.patching.oracle import Patching
    from core.patching.progress import Progress
    from core.patching.question import ask
    from core.patching.verify import nodes_for_budget, verify

    _check(options)
    refuse_foreign(options.out.resolve(), FILES)
    result = read_folder(options.result)
    spec = result.spec
    if spec.method == "exact":
        raise SpecError("The result is exact already.", where="--result")
    families = by_family(spec.nodes)
    family = options.family or next(iter(families))
    if family not in families:
        raise SpecError(f"The result holds no nodes of the family {family}.", where="--family")
    model = load_model(
        spec.model, device=options.device, dtype=spec.dtype if options.dtype == "auto" else options.dtype
    )
    if model.revision != spec.revision:
        raise SpecError(f"The weights of {spec.model} are not those of the result.", where="--result")
    pairs = of_one_length(tuple(run.tokens for run in result.pairs))
    kinds = families[family]
    nodes = all_nodes(kinds, model.shape, min(p.first_difference for p in pairs), len(pairs[0]))
    rows = [i for i, run in enumerate(result.pairs) if run.tokens in pairs]
    score = np.abs(nodes.read({kind: result.stack(kind, rows) for kind in kinds})).mean(0)
    state = read_state(options.out, spec.digest, family, np.nan_to_num(score), len(pairs))
    count = options.top or nodes_for_budget(state, options.budget)
    question = ask(model, pairs, kinds=kinds, metric=spec.metric, direction=spec.direction)
    on_step = show_progress if sys.stderr.isatty() else None
    bounds: list[Bound] = []
    try:
        verify(Patching(question, nodes), state, count, progress=Progress(max(0, count - state.done), on_step))
        if options.samples:
            oracle = Patching(question, nodes, Progress(options.samples, on_step))
            bounds = bounds_after(oracle, state.verified, options.samples, np.random.default_rng(options.seed))
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
    verified = Verified(spec, family, nodes, state, tuple(bounds), pairs)
    write_verification(verified, options.out)
    for line in verified.words():
        print(line)
    print(options.out / "verified.csv")


def _check(options: argparse.Namespace) -> None:
    for name in ("budget", "top"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise SpecError("The number must be at least 1.", where=f"--{name}")
    if options.samples < 0:
        raise SpecError("The number must not be negative.", where="--samples")
