"""The doctor for pairs: every check in one list, a whole checkup of a set, and its repairs.

case = Case.of(parsed, model.tokenizer, model_name=model.card.name, max_tokens=model.max_tokens)
findings = look(case)  # of texts and tokens
report = examine(case, model)  # what the model says to each pair
mended = repair(case.parsed, (*findings, *report.findings), ("spaces", "solved"))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.patching.doctor.behaviour import broken_patches, solves, unsolved, without_gap
from core.patching.doctor.measure import Looked, Measured, measure
from core.patching.doctor.precision import coarse
from core.progress import IsCancelled, OnStep, Progress
from core.prompts.doctor import alignment, beginning, places, repeats, template
from core.prompts.doctor.finding import SEVERITIES, Case, Check, Finding, Severity
from core.prompts.pairs import PairSet, PromptPair
from core.prompts.parse import ParsedPairs
from core.terms import counted

if TYPE_CHECKING:
    from core.models.load import LoadedModel

# In the order of their repairs: what goes into a template has its spaces and its beginning in order.
CHECKS: tuple[Check, ...] = (
    Check("file", "What reading the file found", "Rows that are no pairs are out already.", alignment.unread),
    Check(
        "refused",
        "Rows that cannot be run",
        "Prompts of unequal length, equal prompts, words without a token, answers that are the same token.",
        alignment.refused,
    ),
    Check(
        "several-tokens",
        "Answers of several tokens",
        "The metric reads one token, so an answer is one; its first may do.",
        alignment.several_tokens,
    ),
    Check(
        "spaces",
        "Spaces",
        "A space belongs to the token after it: a prompt that ends in one, and an answer that begins without, ask for "
        "a token that hardly ever follows.",
        alignment.spaces,
    ),
    Check(
        "bos",
        "Beginning of text",
        "The token that begins a text must be there once if the model was trained with it.",
        beginning.beginnings,
    ),
    Check(
        "template",
        "Chat template",
        "Models made for chat expect messages; any other prompt is continued as plain text.",
        template.templates,
    ),
    Check(
        "places",
        "Places that differ",
        "Patching compares equal positions: prompts should differ where it was meant, and in step.",
        places.places,
    ),
    Check("duplicates", "Duplicates", "Pairs that are there twice weigh double in every mean.", repeats.duplicates),
    Check("copied", "Answers to copy", "Where only the answer is in the prompt, copying is enough.", repeats.copied),
    Check(
        "solved",
        "Pairs that the model gets wrong",
        "The model should prefer the answer after the clean prompt and the distractor after the corrupt one.",
        unsolved,
        runs=True,
    ),
    Check(
        "gap",
        "Pairs without a gap",
        "Where both runs give the same logit difference, there is nothing that a patch could move.",
        without_gap,
        runs=True,
    ),
    Check(
        "patching",
        "Patching itself",
        "Patching everything that differs must give the corrupt run.",
        broken_patches,
        runs=True,
    ),
    Check(
        "precision",
        "Precision",
        "Rounding must be small beside the gap: a sample is run in float32 too.",
        coarse,
        runs=True,
    ),
)


@dataclass(frozen=True)
class Report:
    """What a checkup gave.

    Attributes:
        findings: by check, in the order of ``CHECKS``, then by row.
        measured: row -> what the model said to it; empty where the model was not run.
    """

    findings: tuple[Finding, ...]
    measured: dict[int, Measured]

    @property
    def solved(self) -> int:
        """Number of pairs that the model gets right, of those in ``measured``."""
        return sum(map(solves, self.measured.values()))

    def count(self, severity: Severity) -> int:
        """Number of findings of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def summary(self) -> str:
        """``1 error, 2 warnings, 0 notes; the model gets 37 of 40 pairs right``."""
        text = ", ".join(counted(self.count(s), s) for s in SEVERITIES)
        total = len(self.measured)
        return text + (f"; the model gets {self.solved} of {total} pairs right" if total else "")


def look(case: Case) -> tuple[Finding, ...]:
    """The checks of texts and tokens."""
    return tuple(finding for check in CHECKS if not check.runs for finding in _gathered(check.find(case), case))


def examine(
    case: Case,
    model: LoadedModel,
    *,
    compare: bool = False,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
) -> Report:
    """The checks that run the model, alone; ``look`` has the others.

    Args:
        compare: whether a model in float32 is compared with its copy in bfloat16, which takes half its memory again.

    Raises:
        Cancelled: soon after ``cancelled()`` is true.
    """
    progress = Progress(len(case.aligned.pairs), on_step, cancelled)
    measured = measure(model, case.aligned.pairs, progress)
    looked = Looked(case, model, measured, compare, progress)
    found = (finding for check in CHECKS if check.runs for finding in _gathered(check.find(looked), case))
    return Report(tuple(found), measured)


@dataclass(frozen=True)
class Mended:
    """A set after its repairs; rows keep their numbers. ``changed`` and ``left_out`` are 0-based rows."""

    parsed: ParsedPairs
    changed: tuple[int, ...]
    left_out: tuple[int, ...]


def repair(parsed: ParsedPairs, findings: Sequence[Finding], checks: Sequence[str]) -> Mended:
    """The set with every finding of these checks mended that can be."""
    mended: dict[int, PromptPair | None] = dict(zip(parsed.rows, parsed.pairs))
    for check in (check.name for check in CHECKS if check.name in checks):
        found = {f.row: f.repair for f in findings if f.check == check and f.repair is not None}
        for row, pair in mended.items():
            how = found.get(row) or found.get(None)
            if how is not None and pair is not None:
                mended[row] = how.mend(pair)
    kept = {row: pair for row, pair in mended.items() if pair is not None}
    before = dict(zip(parsed.rows, parsed.pairs))
    return Mended(
        replace(parsed, pairs=PairSet(parsed.pairs.name, tuple(kept.values())), rows=tuple(kept)),
        tuple(row for row, pair in kept.items() if pair != before[row]),
        tuple(row for row in mended if row not in kept),
    )


def _gathered(findings: Iterator[Finding], case: Case) -> Iterator[Finding]:
    """Findings by row; where there are the same words about every row, one finding about all of them."""
    found = sorted(findings, key=lambda finding: -1 if finding.row is None else finding.row)
    words = {(finding.what, finding.next_step) for finding in found}
    if len(words) == 1 and 1 < len(case.pairs) == len({finding.row for finding in found}):
        yield replace(found[0], row=None)
    else:
        yield from found
