"""``python -m core multiple_choice``: does a model bind labels to options, and by which heads?"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from core.commands.options import add_columns, add_device, read_bytes, refuse_errors, say_warnings, show_progress

if TYPE_CHECKING:
    from core.labs.multiple_choice.questions.questions import QuestionSet


def add(commands: argparse._SubParsersAction, name: str, *, aliases: tuple[str, ...] = ()) -> None:
    """Add the command."""
    parser = commands.add_parser(
        name, aliases=aliases, help="multiple choice: label bias, output nodes, heads and their subspaces"
    )
    parser.set_defaults(run=run)
    parser.add_argument("--model", required=True, help="catalogue id, hub id, local folder or GGUF file")
    parser.add_argument("--questions", required=True, help="a file in MMLU's form, or a bundled set by name")
    add_columns(parser)
    parser.add_argument("--answers-from", type=int, choices=(0, 1), help="the first option's number, where answers are")
    parser.add_argument("--layout", help="exam (default), or word: options first, then one of them, for the toy")
    parser.add_argument("--seed", type=int, default=0, help="of labels that are drawn, and of resampling")
    parser.add_argument("--out", required=True, type=Path, help="folder for the CSV files, summary.json and run.json")
    add_device(parser)


def run(options: argparse.Namespace) -> None:
    """Read, study, write the folder, print the verdict. A model that does not bind labels gets its answers only."""
    from core.export.whole import refuse_foreign, whole_folder
    from core.labs.multiple_choice.folder import FILES, write_study
    from core.labs.multiple_choice.names import spec_of
    from core.labs.multiple_choice.questions.bundled import find_bundled, load_questions
    from core.labs.multiple_choice.questions.layouts import layout_of
    from core.labs.multiple_choice.questions.questions import questions_to_csv
    from core.labs.multiple_choice.study import study
    from core.models.load import load_model
    from core.runs.laboratory import write_lab_run

    refuse_foreign(options.out.resolve(), FILES)
    bundled = find_bundled(options.questions)
    questions = load_questions(bundled.id) if bundled else _read(options, Path(options.questions))
    layout = options.layout or (bundled.layout if bundled else "exam")
    layout_of(layout)
    model = load_model(options.model, device=options.device, dtype=options.dtype)
    spec = spec_of(model.model_id, model.revision, model.card.precision, questions, layout=layout, seed=options.seed)
    started = time.perf_counter()
    on_step = show_progress if sys.stderr.isatty() else None
    found = study(model, questions, layout=layout, seed=options.seed, on_step=on_step)
    with whole_folder(options.out, FILES) as partial:
        write_study(found, partial, questions_csv=questions_to_csv(questions))
        write_lab_run(spec, partial, items=len(questions), seconds=time.perf_counter() - started)
    print(found.verdict.words())
    if found.verdict.binds:
        names = found.tables["nodes"].node.head(found.summary["output_nodes"])
        print(f"Output nodes (80 % of the net direct effect): {', '.join(names)}")
    print(options.out / "run.json")


def _read(options: argparse.Namespace, path: Path) -> QuestionSet:
    """The questions of a file; every fault of a row is told."""
    from core.labs.multiple_choice.questions.questions import read_questions

    parsed = read_questions(
        read_bytes(path, "--questions"),
        filename=path.name,
        columns=options.columns,
        answers_from=options.answers_from,
    )
    refuse_errors(parsed.problems, path.name)
    say_warnings(parsed.problems)
    return parsed.questions
