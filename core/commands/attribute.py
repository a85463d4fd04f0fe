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
from core.patching.spec import NeuronSite, RunSpec
from core.terms import DONORS, METHODS, NODE_KINDS, SPANS

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
    parser.add_argument("--method", default="atp-star", choices=METHODS)
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
    from core.prompts.repair import sound_pairs
    from core.runs.execute import execute, make_spec

    if options.top is not None and options.top < 1:
        raise SpecError("The number of rows to keep must be at least 1.", where="--top")
    if options.out is None and options.store is None:
        raise SpecError("Nothing says where the result goes.", where="--out", next_step="Name a folder or a --store.")
    sites, nodes = _sites(options.neurons), node_kinds(options.nodes)
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
        method=options.method,
        neurons=sites,
        donor=options.donor,
        spans=options.spans,
    )
    on_step = show_progress if sys.stderr.isatty() else None
    result = _stored(options, spec, sound, partial(execute, spec, model, tokens, on_step=on_step))
    spent = sum(result.seconds.values())
    print(f"{len(result.pairs)} pairs, {options.method}, {options.direction}, {options.metric}: {spent:.1f} s")
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


def _sites(text: str) -> tuple[NeuronSite, ...]:
    try:
        return tuple(NeuronSite(*map(int, site.split(":"))) for site in text.split(",") if site.strip())
    except (TypeError, ValueError):
        raise SpecError(
            f"{text!r} does not name neurons.",
            where="--neurons",
            next_step="Write layer:position or layer:position:unit.",
        ) from None
