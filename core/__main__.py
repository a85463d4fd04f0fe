"""The command line: ``python -m core models``, ``attribute``, ``verify`` and ``recall``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

os.environ.setdefault("TQDM_DISABLE", "1")  # libraries' own progress bars
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_VERBOSITY", "error")

from core.commands import circuit, readout, recall, verify
from core.commands.options import add_question, node_kinds, read_question, show_progress
from core.errors import SpecError, UserError
from core.labs.grokking import command as grok
from core.labs.knowledge import audit_command as audit
from core.labs.knowledge import command as probe
from core.labs.multiple_choice import command as mcqa
from core.patching.spec import NeuronSite, RunSpec
from core.terms import METHODS, NODE_KINDS

if TYPE_CHECKING:
    from core.patching.results.result import AttributionResult
    from core.prompts.pairs import PairSet


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
    models = commands.add_parser("models", help="list the models known by name")
    models.set_defaults(run=_models)

    attribute = commands.add_parser("attribute", help="effects of patching every node, for a file of prompt pairs")
    attribute.set_defaults(run=_attribute)
    add_question(attribute)
    attribute.add_argument("--out", type=Path, help="folder for effects.csv and run.json")
    attribute.add_argument("--store", type=Path, help="store of runs: a run that is there is not computed again")
    attribute.add_argument("--method", default="atp-star", choices=METHODS)
    attribute.add_argument("--nodes", default="q,k,v,z,mlp_out", help=f"comma-separated, of {', '.join(NODE_KINDS)}")
    attribute.add_argument("--neurons", default="", help="for exact patching: layer:position[:unit], comma-separated")
    attribute.add_argument("--top", type=int, help="keep only so many rows of effects.csv, the largest")
    recall.add(commands)
    verify.add(commands)
    mcqa.add(commands)
    probe.add(commands)
    audit.add(commands)
    grok.add(commands)
    readout.add(commands)
    circuit.add(commands)
    return parser


def _models(_: argparse.Namespace) -> None:
    from core.models.catalogue import CATALOGUE, DEFAULT

    for entry in CATALOGUE:
        mark = "  (default, ships with the app)" if entry.id == DEFAULT else ""
        print(f"{entry.id:<14} {entry.parameters / 1e6:>6.0f} M  {entry.family:<9} {entry.location}{mark}")


def _attribute(options: argparse.Namespace) -> None:
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
    )
    on_step = show_progress if sys.stderr.isatty() else None
    result = _stored(options, spec, sound, partial(execute, spec, model, tokens, on_step=on_step))
    spent = sum(result.seconds.values())
    print(f"{len(result.pairs)} pairs, {options.method}, {options.direction}, {options.metric}: {spent:.1f} s")
    if options.out is not None:
        write_folder(result, options.out, top=options.top)
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


if __name__ == "__main__":
    sys.exit(main())
