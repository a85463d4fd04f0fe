"""Options that name a model and prompt pairs, and what they stand for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import PromptError, SpecError
from core.files.columns import given_columns
from core.files.problems import Problem, errors_of, grouped
from core.files.skipped import NAME as SKIPPED
from core.files.skipped import skipped_csv
from core.terms import DIRECTIONS, METRICS, WHOLE_ANSWER, NodeKind

if TYPE_CHECKING:
    from core.models.load import LoadedModel
    from core.prompts.align import AlignedPairs
    from core.prompts.pairs import PairSet, TokenPair
    from core.prompts.parse import ParsedPairs

MOST_LINES = 20  # findings told one by one
SKIP = "Or leave such rows out with --skip."


def add_question(parser: argparse.ArgumentParser) -> None:
    """Model, pairs, direction, metric, and how they are read."""
    parser.add_argument("--model", required=True, help="catalogue id, hub id, local folder or GGUF file")
    parser.add_argument(
        "--pairs", required=True, type=Path, help="CSV, TSV, JSON, JSONL or XLSX: clean, corrupt, answer, distractor"
    )
    add_columns(parser)
    parser.add_argument("--counterfactual", help="which one, where the file's records have several")
    parser.add_argument("--first", type=int, metavar="N", help="read only the file's first N rows")
    parser.add_argument(
        "--skip", action="store_true", help=f"leave out rows that cannot be run; they go to {SKIPPED} in --out"
    )
    parser.add_argument("--direction", default="noising", choices=DIRECTIONS)
    parser.add_argument(
        "--metric",
        default="logit_diff",
        choices=METRICS,
        help="what is read; answer_log_prob: the whole answer, of one token or several in a row",
    )
    add_device(parser)
    parser.add_argument("--trim", action="store_true", help="strip spaces from the end of prompts")
    parser.add_argument("--first-token", action="store_true", help="let a longer answer stand for its first token")


def add_columns(parser: argparse.ArgumentParser) -> None:
    """The names of a file's columns, where these are not ours."""
    parser.add_argument(
        "--columns", type=_columns, metavar="OURS=THEIRS,...", help="which columns of the file are ours, by their names"
    )


def _columns(text: str) -> dict[str, str]:
    try:
        return given_columns(text)
    except PromptError as error:
        raise argparse.ArgumentTypeError(error.what) from error


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--dtype", default="auto", help="auto, float32, bfloat16 or float16")


@dataclass(frozen=True)
class Loaded:
    """A model, and the pairs that it can run, as texts and as its tokens.

    ``skipped`` is the content of ``skipped.csv``; empty where no row was left out.
    """

    model: LoadedModel
    parsed: ParsedPairs
    aligned: AlignedPairs
    tokens: tuple[TokenPair, ...]
    pairs: PairSet
    skipped: str = ""

    def write_skipped(self, folder: Path) -> None:
        """Put the rows that were left out beside a result that is written."""
        if self.skipped:
            (folder / SKIPPED).write_text(self.skipped, encoding="utf-8")


def read_question(options: argparse.Namespace) -> Loaded:
    """Read the pairs, load the model and align them; warnings, and what is left out, go to stderr.

    Raises:
        UserError: a file, row or model that cannot be used.
    """
    from core.models.load import load_model
    from core.prompts.align import MAX_TOKENS, align
    from core.prompts.parse import parse_pairs
    from core.prompts.repair import kept_pairs

    file: Path = options.pairs
    at_least_one(options, "first")
    answers = {"columns": options.columns, "counterfactual": options.counterfactual, "first": options.first}
    parsed = parse_pairs(read_bytes(file, "--pairs"), filename=file.name, **answers)
    if not options.skip:
        refuse_errors(parsed.problems, file.name, or_else=SKIP)
    model = load_model(options.model, device=options.device, dtype=options.dtype)
    aligned = align(
        parsed.pairs,
        model.tokenizer,
        trim=options.trim,
        first_token=options.first_token,
        whole_answer=options.metric == WHOLE_ANSWER,
        max_tokens=min(MAX_TOKENS, model.max_tokens),
        rows=parsed.rows,
        link=getattr(options, "align", False),  # of `attribute` only
    )
    problems = (*parsed.problems, *aligned.problems)
    if not options.skip:
        refuse_errors(problems, file.name, or_else=SKIP)
    skipped = _skip(problems, file.name, n_rows=len(parsed.source))
    say_warnings(problem for problem in problems if problem.row not in skipped)
    content = skipped_csv(parsed.source, problems) if skipped else ""
    return Loaded(model, parsed, aligned, aligned.pairs, kept_pairs(parsed, aligned), content)


def _skip(problems: Sequence[Problem], filename: str, *, n_rows: int) -> set[int | None]:
    """The rows that are left out; how many and why goes to stderr.

    Raises:
        PromptError: no row would be left.
    """
    rows = {problem.row for problem in errors_of(problems)}
    if rows:
        print(f"{len(rows)} of {n_rows} rows left out:", file=sys.stderr)
        _say(f"  {count} × {reason}" for reason, count in grouped(problems).items())
    if len(rows) == n_rows:
        raise PromptError("No row can be run.", where=filename, next_step="Bring pairs that fit this model.")
    return rows


def refuse_errors(problems: Sequence[Problem], filename: str, *, or_else: str = "") -> None:
    """Say every error on stderr and refuse the file; do nothing if there is none.

    Raises:
        PromptError: there are errors; a single one is told here.
    """
    errors = errors_of(problems)
    if not errors:
        return
    if len(errors) == 1:
        raise PromptError(errors[0].what, where=errors[0].where, next_step=f"{errors[0].next_step} {or_else}".strip())
    _say(f"{problem}" for problem in errors)
    rows = len({problem.row for problem in errors})
    what = f"{rows} row{' has' if rows == 1 else 's have'} {len(errors)} faults, so nothing was run."
    raise PromptError(what, where=filename, next_step=f"Mend them. {or_else}".strip())


def say_warnings(problems: Iterable[Problem]) -> None:
    """Warnings on stderr, one a line."""
    _say(f"warning: {problem}" for problem in problems if problem.severity == "warning")


def _say(lines: Iterable[str]) -> None:
    told = list(lines)
    for line in [*told[:MOST_LINES], *([f"and {len(told) - MOST_LINES} more"] if len(told) > MOST_LINES else [])]:
        print(" ".join(line.split()) if not line.startswith(" ") else line, file=sys.stderr)


def of_one_length(pairs: tuple[TokenPair, ...]) -> tuple[TokenPair, ...]:
    """The pairs of the commonest number of tokens, because nodes at a position must mean the same in all of them;
    says so on stderr where some are left out."""
    from core.prompts.pairs import largest_group

    kept = largest_group(pairs)
    if len(kept) < len(pairs):
        left = len(pairs) - len(kept)
        print(f"warning: {left} of {len(pairs)} pairs left out: not {len(kept[0])} tokens long", file=sys.stderr)
    return kept


def node_kinds(text: str) -> tuple[NodeKind, ...]:
    """``q,k,neurons`` as kinds."""
    return tuple("neuron" if name == "neurons" else name for name in listed(text))  # type: ignore[misc]


def at_least_one(options: argparse.Namespace, *names: str) -> None:
    """Raise SpecError for the first of these options whose number is below 1."""
    for name in names:
        value = getattr(options, name)
        if value is not None and value < 1:
            raise SpecError("The number must be at least 1.", where=f"--{name}")


def show_progress(done: int, total: int) -> None:
    print(f"\r{done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def listed(text: str) -> tuple[str, ...]:
    """``a, b`` as a tuple."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def read_bytes(path: Path, option: str) -> bytes:
    """A file's content.

    Raises:
        PromptError: it cannot be read; ``option`` is named as the place.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise PromptError(f"{path} cannot be read: {error.strerror}.", where=option) from error
