"""What alignment finds, sorted by what mends it: a space, a shorter answer, or leaving the row out.

Whether something mends a row is found by aligning it again, so that there is one set of rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from core.files.problems import Problem, errors_of
from core.prompts.align import AlignedPairs, align
from core.prompts.doctor.finding import LEAVE_OUT, Case, Finding, Repair, with_texts
from core.prompts.doctor.repeats import duplicates
from core.prompts.pairs import PairSet, PromptPair
from core.prompts.parse import ParsedPairs
from core.prompts.repair import sound_pairs

_BEFORE_A_SPACE = re.compile(r"[\w,.;:!?]\Z")  # what a word of its own follows with a space


def unread(case: Case) -> Iterator[Finding]:
    """What reading the file found: rows that are no pairs, which are out already, and warnings. Repeated rows are told
    of by their own check."""
    repeated = {finding.row for finding in duplicates(case)}
    for problem in case.parsed.problems:
        if problem.severity == "error" or problem.row not in repeated:
            yield _finding(problem, "file")


def spaces(case: Case) -> Iterator[Finding]:
    """Prompts that end in a space, and answers that should begin with one."""
    return _mended_by(case, "spaces")


def several_tokens(case: Case) -> Iterator[Finding]:
    """Answers of several tokens, where their first tokens would do."""
    return _mended_by(case, "several-tokens")


def refused(case: Case) -> Iterator[Finding]:
    """Every other reason for which a row cannot be run: unequal lengths, unknown words, equal prompts, ..."""
    return _mended_by(case, "refused")


def _mended_by(case: Case, check: str) -> Iterator[Finding]:
    for problem in case.aligned.problems:
        assert problem.row is not None
        found, repair = _mend(case, problem, case.pairs[problem.row])
        if found == "spaces" and problem.severity == "error":
            problem = replace(problem, next_step="A space in the wrong place is all that is wrong: move it.")
        if found == check:
            yield _finding(problem, check, repair)


def _mend(case: Case, problem: Problem, pair: PromptPair) -> tuple[str, Repair | None]:
    """The check that a problem belongs to, by what mends it."""
    is_error, respaced = problem.severity == "error", _respaced(case, pair)
    if respaced != pair and not (is_error and errors_of(_aligned(case, respaced).problems)):
        return "spaces", Repair("Move the spaces", partial(_respaced, case))
    if is_error and _shortened(case, pair) != pair:
        return "several-tokens", Repair("Use the first token", partial(_shortened, case))
    return "refused", LEAVE_OUT if is_error else None


def _finding(problem: Problem, check: str, repair: Repair | None = None) -> Finding:
    return Finding(problem.row, check, problem.severity, problem.what, problem.next_step, repair)


def _respaced(case: Case, pair: PromptPair) -> PromptPair:
    """The pair with the spaces at the end of its prompts moved to the front of those answers that want one."""
    best = replace(pair, clean=pair.clean.rstrip(" "), corrupt=pair.corrupt.rstrip(" "))
    if not _BEFORE_A_SPACE.search(best.clean):
        return best
    for column in ("answer", "distractor"):
        spaced = with_texts(getattr(best, column), lambda text: text if text.startswith(" ") else " " + text)
        candidate = replace(best, **{column: spaced})  # type: ignore[arg-type]
        if len(_aligned(case, candidate).problems) < len(_aligned(case, best).problems):
            best = candidate
    return best


def _shortened(case: Case, pair: PromptPair) -> PromptPair:
    """The pair with each answer cut to its first token, if that lets it run; else the pair as it is."""
    found = _aligned(case, pair, first_token=True)
    if not found.pairs:
        return pair
    one = ParsedPairs(PairSet("one", (pair,)), (), (0,))
    return sound_pairs(one, found, trim=False, first_token=True).pairs[0]


def _aligned(case: Case, pair: PromptPair, *, first_token: bool = False) -> AlignedPairs:
    one = PairSet("one", (pair,))
    return align(one, case.tokenizer, first_token=first_token, max_tokens=case.max_tokens)
