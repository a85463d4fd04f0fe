"""``python -m core pairs check``: the doctor for pairs, its findings by row and its repairs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.options import add_columns, add_device, listed, read_bytes, show_progress
from core.errors import PromptError, SpecError
from core.terms import check_term, counted

if TYPE_CHECKING:
    from core.models.load import LoadedModel
    from core.patching.doctor.checkup import Report
    from core.prompts.doctor.finding import Finding
    from core.prompts.parse import ParsedPairs


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    group = commands.add_parser("pairs", help="check a file of prompt pairs before it is run, and repair it")
    parser = group.add_subparsers(required=True, metavar="what").add_parser(
        "check",
        help="what is wrong with the pairs of a file, row by row",
        description="Exit code 0: no errors, or none after repairs; 1: errors; 2: the file or model cannot be used.",
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="CSV, TSV, JSON, JSONL or XLSX: clean, corrupt, answer, distractor"
    )
    add_columns(parser)
    parser.add_argument("--counterfactual", help="which one, where the file's records have several")
    parser.add_argument("--model", required=True, help="catalogue id, hub id, local folder or GGUF file")
    add_device(parser)
    parser.add_argument("--precision", action="store_true", help="compare float32 with a copy of the model in bfloat16")
    parser.add_argument("--no-run", action="store_true", help="look at texts and tokens only")
    parser.add_argument("--repair", default="", metavar="CHECK[,CHECK...]", help="mend what these checks found")
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="where the repaired pairs go")
    parser.add_argument("--json", action="store_true", help="everything as one JSON object")


def run(options: argparse.Namespace) -> None:
    """Check the options, examine, tell, write the repaired file.

    Raises:
        SystemExit: with code 1, where errors are left.
    """
    from core.models.load import load_model
    from core.prompts.parse import parse_pairs

    repairs = _repairs(options)
    parsed = parse_pairs(
        read_bytes(options.file, "FILE"),
        filename=options.file.name,
        columns=options.columns,
        counterfactual=options.counterfactual,
    )
    model = load_model(options.model, device=options.device, dtype=options.dtype)
    report = _examined(parsed, model, options)
    if options.json:
        print(json.dumps(_as_json(parsed, report), ensure_ascii=False, indent=1))
    else:
        _tell(parsed, report)
    if repairs:
        mended = _write(parsed, report, repairs, options.out)
        report = _examined(mended, model, options)
        print(f"{options.out}: {counted(len(mended.pairs), 'pair')}: {report.summary()}", file=sys.stderr)
    if report.count("error"):
        raise SystemExit(1)


def _examined(parsed: ParsedPairs, model: LoadedModel, options: argparse.Namespace) -> Report:
    from core.patching.doctor.checkup import Report, examine, look
    from core.prompts.doctor.finding import Case

    case = Case.of(parsed, model.tokenizer, model_name=model.card.name, max_tokens=model.max_tokens)
    found = look(case)
    if options.no_run:
        return Report(found, {})
    on_step = show_progress if sys.stderr.isatty() else None
    ran = examine(case, model, compare=options.precision, on_step=on_step)
    return Report((*found, *ran.findings), ran.measured)


def _repairs(options: argparse.Namespace) -> tuple[str, ...]:
    """The checks whose findings are to be mended."""
    from core.patching.doctor.checkup import CHECKS

    checks = {check.name: check for check in CHECKS}
    names = listed(options.repair)
    for name in names:
        check_term("--repair", name, tuple(checks))
        if checks[name].runs and options.no_run:
            raise SpecError(f"{name} runs the model.", where="--repair", next_step="Leave --no-run out.")
    if bool(names) != (options.out is not None):
        raise SpecError("--repair and --out belong together.", where="--out", next_step="Give both, or neither.")
    if options.out is not None and options.out.suffix.lower() != ".csv":
        raise SpecError("Repaired pairs are written as CSV.", where="--out", next_step="Let the name end in .csv.")
    return names


def _tell(parsed: ParsedPairs, report: Report) -> None:
    for finding in report.findings:
        print(f"{finding.where:<10} {finding.severity:<8} {finding.check:<15} {_line(finding)}")
    print(f"{counted(len(parsed.pairs), 'pair')}: {report.summary()}")


def _line(finding: Finding) -> str:
    """What and what next, on one line whatever the texts hold."""
    return " ".join(f"{finding.what} {finding.next_step}".split())


def _as_json(parsed: ParsedPairs, report: Report) -> dict[str, Any]:
    findings = [
        {
            "row": None if finding.row is None else finding.row + 1,
            "severity": finding.severity,
            "check": finding.check,
            "what": finding.what,
            "next_step": finding.next_step,
            "repair": finding.repair.label if finding.repair else None,
        }
        for finding in report.findings
    ]
    solved = report.solved if report.measured else None
    return {"pairs": len(parsed.pairs), "run": len(report.measured), "solved": solved, "findings": findings}


def _write(parsed: ParsedPairs, report: Report, repairs: tuple[str, ...], out: Path) -> ParsedPairs:
    """Write the repaired pairs as CSV, say what became of the others on stderr, and give them as they are read there.

    Raises:
        PromptError: no pair would be left, or the file cannot be written.
    """
    from core.patching.doctor.checkup import repair
    from core.prompts.pairs import PairSet
    from core.prompts.parse import ParsedPairs, pairs_to_csv

    mended = repair(parsed, report.findings, repairs)
    pairs = mended.parsed.pairs.pairs
    if not pairs:
        raise PromptError("No pair would be left.", where="--repair", next_step="Mend the file by hand.")
    try:
        out.write_text(pairs_to_csv(mended.parsed.pairs), encoding="utf-8", newline="")
    except OSError as error:
        raise PromptError(f"{out} cannot be written: {error.strerror}.", where="--out") from error
    left = len(mended.left_out) + len({problem.row for problem in parsed.problems} - set(parsed.rows))
    print(f"{out}: {len(mended.changed)} changed, {left} left out", file=sys.stderr)
    return ParsedPairs(PairSet(out.stem, pairs), (), tuple(range(len(pairs))))
