"""``python -m core attribute``: effects of patching every node, for a file of prompt pairs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.commands.options import add_question, node_kinds, read_question, show_progress
from core.errors import SpecError
from core.patching.spec import FIRST, SAMPLES, NeuronSite, RunSpec, Screen, screening
from core.terms import AVERAGES, CHOICES, DONORS, METHODS, NODE_KINDS, SPANS, counted

if TYPE_CHECKING:
    from core.patching.results.result import AttributionResult
    from core.prompts.pairs import PairSet


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    parser = commands.add_parser("attribute", help="effects of patching every node, for a file of prompt pairs")
    parser.set_defaults(run=run)
    add_question(parser)
    parser.add_argument("--out", type=Path, help="folder for effects.csv and run.json")
    parser.add_argument("--store", type=Path, help="store of runs: a run that is there is not computed again")
    parser.add_argument(
        "--method", default="atp-star", choices=CHOICES, help="screen: an estimate, its first nodes patched exactly"
    )
    parser.add_argument("--verify", type=int, metavar="N", help=f"of a screen: nodes of each family; default: {FIRST}")
    parser.add_argument("--estimate", choices=METHODS[1:], help="of a screen; default: the one that suits the nodes")
    parser.add_argument("--samples", type=int, help=f"of a screen: subsets that bound the rest; default: {SAMPLES}")
    parser.add_argument(
        "--average",
        default="signed",
        choices=AVERAGES,
        help="what orders nodes over pairs: the magnitude of their mean, or their mean magnitude as in the paper",
    )
    parser.add_argument("--nodes", default="q,k,v,z,mlp_out", help=f"comma-separated, of {', '.join(NODE_KINDS)}")
    parser.add_argument("--neurons", default="", help="for exact patching: layer:position[:unit], comma-separated")
    parser.add_argument(
        "--donor",
        default="corrupt",
        choices=DONORS,
        help="put in place of a node: the other prompt's activation, zeros, its mean over the clean prompts and their "
        "positions (not the first; queries and keys as rotated), or its mean at that position",
    )
    parser.add_argument("--align", action="store_true", help="link the tokens of prompts of unequal length")
    parser.add_argument(
        "--spans",
        default="last",
        choices=SPANS,
        help="how spans that differ in linked prompts are patched: last token by last token, all tokens by the other "
        "span's mean, or not at all",
    )
    parser.add_argument("--top", type=int, help="keep only so many rows of effects.csv, the largest")


def run(options: argparse.Namespace) -> None:
    """Check the options, compute or find the result, write the folder whole."""
    from core.export.folder import refuse_foreign, write_folder
    from core.patching.results.told import largest_lines, screen_lines
    from core.prompts.repair import sound_pairs
    from core.runs.execute import execute, make_spec

    if options.top is not None and options.top < 1:
        raise SpecError("The number of rows to keep must be at least 1.", where="--top")
    if options.out is None and options.store is None:
        raise SpecError("Nothing says where the result goes.", where="--out", next_step="Name a folder or a --store.")
    sites, nodes, screen = _sites(options.neurons), node_kinds(options.nodes), _screen(options)
    if options.out is not None:
        refuse_foreign(options.out.resolve())
    loaded = read_question(options)
    model, tokens = loaded.model, loaded.tokens
    sound = sound_pairs(loaded.parsed, loaded.aligned, trim=options.trim, first_token=options.first_token)
    spec = make_spec(
        model,
        sound,
        metric=options.metric,
        direction=options.direction,
        nodes=nodes,
        method=(options.estimate or screening(nodes)) if screen else options.method,
        neurons=sites,
        donor=options.donor,
        spans=options.spans,
        screen=screen,
    )
    on_step = show_progress if sys.stderr.isatty() else None
    result = _stored(options, spec, sound, partial(execute, spec, model, tokens, on_step=on_step))
    spent = sum(result.seconds.values())
    made = f"{counted(len(result.pairs), 'pair')}, {options.method}, {options.direction}, {options.metric}"
    print(f"{made}: {spent:.1f} s")
    for line in (*screen_lines(result, result.spec.method), *largest_lines(result, average=options.average)):
        print(line)
    if options.out is not None:
        write_folder(result, options.out, top=options.top)
        loaded.write_skipped(options.out)
        print(f"{options.out / 'effects.csv'}  {options.out / 'run.json'}")


def _stored(
    options: argparse.Namespace, spec: RunSpec, pairs: PairSet, compute: Callable[..., AttributionResult]
) -> AttributionResult:
    """The result from the store, computed and put there if it is not; or just computed where no store is named."""
    if options.store is None:
        return compute()
    from core.runs.checkpoint import Checkpoints
    from core.runs.store import Store

    store = Store(options.store)
    store.put_pairs(pairs)
    store.accept(spec, pairs=len(pairs))
    with store.computing(spec.digest):
        result = store.get(spec.digest)
        if result is None:
            result = compute(checkpoints=Checkpoints(store.checkpoints(spec.digest)))
            store.put(result)
    print(f"{spec.digest}  in {options.store}")
    return result


def _screen(options: argparse.Namespace) -> Screen | None:
    """What a screen verifies; None for the other methods, which have nothing to verify."""
    if options.method == "screen":
        count = FIRST if options.verify is None else options.verify
        return Screen(count, options.average, SAMPLES if options.samples is None else options.samples)
    for name in ("verify", "estimate", "samples"):
        if getattr(options, name) is not None:
            raise SpecError("Only a screen verifies an estimate.", where=f"--{name}", next_step="Use --method screen.")
    return None


def _sites(text: str) -> tuple[NeuronSite, ...]:
    try:
        return tuple(NeuronSite(*map(int, site.split(":"))) for site in text.split(",") if site.strip())
    except (TypeError, ValueError):
        raise SpecError(
            f"{text!r} does not name neurons.",
            where="--neurons",
            next_step="Write layer:position or layer:position:unit.",
        ) from None
