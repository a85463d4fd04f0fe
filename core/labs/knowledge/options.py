"""What the knowledge laboratory's two commands share: their options, the study that these name, and its folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.commands.options import (
    add_columns,
    add_device,
    listed,
    read_bytes,
    refuse_errors,
    say_warnings,
    show_progress,
)
from core.errors import SpecError

if TYPE_CHECKING:
    from core.labs.knowledge.settings import Settings
    from core.labs.knowledge.statements.statements import Statements
    from core.labs.knowledge.statements.wording import Wording

DEFAULT = "ccs,pca,kmeans,random,logistic,mass-mean,zero-shot,zero-shot-calibrated"


def add_study(parser: argparse.ArgumentParser) -> None:
    """The options that ``probe`` and ``audit`` share."""
    parser.add_argument("--model", required=True, help="catalogue id, hub id, local folder or GGUF file")
    parser.add_argument("--data", required=True, help="sentiment, facts, or a file: text, label, group, topic")
    add_columns(parser)
    parser.add_argument("--template", help="prompt with the slots {text} and, at its end, {answer}; \\n is a new line")
    parser.add_argument("--answers", help="two answers, the one for label false first, separated by a comma")
    parser.add_argument("--seeds", type=int, default=50, help="how many CCS and random probes")
    parser.add_argument("--seed", type=int, default=0, help="the first of them; also of the split and the distractor")
    parser.add_argument("--norm", default="std", help="std, mean, scalar or leace")
    parser.add_argument("--epochs", type=int, default=1000, help="of CCS")
    parser.add_argument("--lr", type=float, default=1e-3, help="learning rate of CCS")
    parser.add_argument("--out", required=True, type=Path, help="folder for accuracy.csv, audit.json and the probes")
    parser.add_argument("--cache", type=Path, help="folder of activations and fitted probes; default: the user's cache")
    add_device(parser)


def settings_of(options: argparse.Namespace, **more: object) -> Settings:
    """The settings that the options name."""
    from core.labs.knowledge.settings import Settings

    return Settings(
        seeds=options.seeds,
        seed=options.seed,
        norm=options.norm,
        epochs=options.epochs,
        learning_rate=options.lr,
        **more,  # type: ignore[arg-type]
    )


def run_and_write(
    options: argparse.Namespace, settings: Settings, *, all_layers: bool = False, probe: Path | None = None
) -> None:
    """Load the model, run the study, write the folder whole, and say what was found."""
    from dataclasses import replace

    from core.export.whole import refuse_foreign, whole_folder
    from core.labs.knowledge.cache import Cache
    from core.labs.knowledge.outcome import FILES, run_study
    from core.labs.knowledge.probes.names import METHODS as KNOWN
    from core.labs.knowledge.probes.probe_file import read_probe, refuse_misfit
    from core.labs.knowledge.summary import lines_of
    from core.models.load import load_model

    files = (*FILES, *(f"probe-{method}.safetensors" for method in KNOWN))
    refuse_foreign(options.out.resolve(), files)
    statements, wording = read_data(options)
    uploaded = read_probe(read_bytes(probe, "--probe"), filename=probe.name) if probe else None
    model = load_model(options.model, device=options.device, dtype=options.dtype)
    if all_layers:
        settings = replace(settings, layers=tuple(range(model.shape.n_layers + 1)))
    if uploaded is not None:
        refuse_misfit(uploaded, n_layers=model.shape.n_layers, d_model=model.shape.d_model)
        settings = replace(settings, layers=(uploaded.layer,), focus=uploaded.layer)
    with whole_folder(options.out, files) as partial:
        run_study(
            model,
            statements,
            wording,
            settings,
            partial,
            cache=Cache(options.cache),
            uploaded=uploaded,
            save_activations=getattr(options, "save_activations", False),
            on_step=show_progress if sys.stderr.isatty() else None,
        )
    for line in lines_of(options.out):
        print(line)
    print(options.out / "accuracy.csv")


def read_data(options: argparse.Namespace) -> tuple[Statements, Wording]:
    """The statements and their wording, the options' template and answers in place of the usual ones."""
    from core.labs.knowledge.statements.bundled import BUNDLED, load_bundled
    from core.labs.knowledge.statements.parse import read_statements
    from core.labs.knowledge.statements.wording import Wording

    if options.data in {bundled.id for bundled in BUNDLED}:
        statements, wording = load_bundled(options.data)
    else:
        path = Path(options.data)
        parsed = read_statements(read_bytes(path, "--data"), filename=path.name, columns=options.columns)
        refuse_errors(parsed.problems, path.name)
        say_warnings(parsed.problems)
        statements, wording = parsed.statements, parsed.wording
    answers = wording.answers
    if options.answers is not None:
        given = listed(options.answers)
        if len(given) != 2:
            raise SpecError("There must be two answers.", where="--answers", next_step="Example: --answers no,yes")
        answers = (given[0], given[1])
    template = options.template.replace("\\n", "\n") if options.template else None
    return statements, Wording(template or wording.template, wording.reworded, answers)
