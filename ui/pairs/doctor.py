"""The doctor for pairs on the page: what it found, check by check, a button for each repair, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from core.files.problems import errors_of
from core.patching.doctor.checkup import CHECKS, Report, examine, look, repair
from core.prompts.doctor.finding import LEAVE_OUT, SEVERITIES, Case, Check, Finding
from core.prompts.parse import ParsedPairs
from core.runs.worker import OnStep
from ui.pairs.draft import Draft, current_draft, start_draft
from ui.shell.messages import counted, duration, plain
from ui.shell.models import ModelFacts, slot, tokenizer_lock
from ui.shell.progress import ended_badly, follow
from ui.shell.state import model_choice
from ui.shell.worker import session, worker

UNDO = "_repairs_made"  # session key: serial of the draft that the repairs led to, and the repairs
LONG, TALL = 6, 300  # findings that stand as they are; height of what scrolls where there are more (CSS pixels)
PASSES = 4  # forward passes a pair costs: both prompts, one patch, and reading the logits
COLOURS = {"error": "red", "warning": "orange", "note": "blue"}


@dataclass(frozen=True)
class Step:
    """One repair: what it did, in words, and the draft as it was before."""

    words: str
    before: ParsedPairs
    bundled_id: str | None


def section(facts: ModelFacts, draft: Draft, parsed: ParsedPairs) -> None:
    """What is found in texts and tokens at once; what only the model can tell behind a button."""
    st.subheader("Check these pairs", anchor=False)
    whole = replace(parsed, problems=tuple(dict.fromkeys((*draft.left_out, *parsed.problems))))
    key = f"{facts.model_id} {facts.revision} {whole.pairs.digest} {hash((whole.rows, whole.problems))}"
    case, quick = _looked(key, facts, whole)
    report = _asked(key, facts, case)
    _undo(draft)
    findings = (*quick, *(report.findings if report else ()))
    if not findings:
        st.caption("Nothing to say of their texts and tokens." if report is None else "Nothing to say.")
    for check in CHECKS:
        if found := [finding for finding in findings if finding.check == check.name]:
            _show(check, found, draft, whole)


@st.cache_resource(max_entries=32, show_spinner=False)
def _looked(key: str, _facts: ModelFacts, _parsed: ParsedPairs) -> tuple[Case, tuple[Finding, ...]]:
    """The checks of texts and tokens; kept, because every rerun of a page asks again."""
    with tokenizer_lock():
        case = Case.of(_parsed, _facts.tokenizer, model_name=_facts.card.name, max_tokens=_facts.max_tokens)
        return case, look(case)


def _asked(key: str, facts: ModelFacts, case: Case) -> Report | None:
    """What the model says to the pairs, once a person has asked for it and it is there."""
    pairs = case.aligned.pairs
    if not pairs:
        return None
    name = f"doctor {key} {model_choice()}"
    job = worker().find(name)
    if job is None:
        seconds = PASSES * facts.shape.n_layers * sum(map(len, pairs)) / facts.speed
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Ask the model too", key="doctor_ask", on_click=_submit, args=(name, case), help=_ASKED)
            asked = f"Does it get {counted(len(pairs), 'pair')} right, and is there a gap to explain?"
            st.caption(f"{asked} Takes {duration(seconds)}.")
    elif job.active:
        follow([job])
    elif job.state != "done":
        ended_badly(job, again=lambda: _submit(name, case))
    else:
        right = f"{plain(facts.card.name)} gets **{job.result.solved} of {counted(len(pairs), 'pair')}** right"
        st.markdown(f"{right}: it prefers the answer after the clean prompt and the distractor after the corrupt one.")
        return job.result
    return None


def _submit(name: str, case: Case) -> None:
    """Put the checks that run the model into the queue."""
    choice, models = model_choice(), slot()

    def task(on_step: OnStep, cancelled: Callable[[], bool]) -> Report:
        return examine(case, models.get(choice), on_step=on_step, cancelled=cancelled)

    worker().submit(name, title=f"Check {counted(len(case.aligned.pairs), 'pair')}", task=task, owner=session())


_ASKED = (
    "Runs both prompts of every pair: does the model prefer the answer and the distractor as it should, does the gap "
    "between both runs leave something to patch, does patching all that differs give the corrupt run, and is the "
    "precision fine enough?"
)


def _show(check: Check, findings: list[Finding], draft: Draft, parsed: ParsedPairs) -> None:
    """One check: its title, how many findings of which severity, its repair, and the findings by row."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{check.title}** &nbsp; {_badges(findings)}", width="content", help=check.about)
            if words := _words(findings, parsed):
                args = (draft, parsed, findings, check.name, words)
                st.button(words, key=f"repair_{check.name}", on_click=_mend, args=args)
        with st.container(height=TALL if len(findings) > LONG else "content", border=False):
            st.table(_table(findings), border="horizontal")


def _table(findings: Sequence[Finding]) -> pd.DataFrame:
    """Findings by row, in words that wrap."""
    rows = [finding.where.replace(" ", "\N{NO-BREAK SPACE}") for finding in findings]
    lines = [[finding.severity, plain(finding.what), plain(finding.next_step)] for finding in findings]
    return pd.DataFrame(lines, columns=["kind", "what was found", "what to do"], index=rows)


def _badges(findings: Sequence[Finding]) -> str:
    """How many findings of each severity, each in its colour."""
    counts = [(name, sum(finding.severity == name for finding in findings)) for name in SEVERITIES]
    return " ".join(f":{COLOURS[name]}-badge[{counted(n, name)}]" for name, n in counts if n)


def _words(findings: Sequence[Finding], parsed: ParsedPairs) -> str:
    """What a check's repair does, and to how many rows; empty where there is none or it would leave no pair."""
    repairs = {finding.row: finding.repair for finding in findings if finding.repair is not None}
    rows = len(parsed.pairs) if None in repairs else len(repairs)
    if not repairs or (rows == len(parsed.pairs) and LEAVE_OUT in repairs.values()):
        return ""
    return f"{next(iter(repairs.values())).label} ({counted(rows, 'row')})"


def _mend(draft: Draft, parsed: ParsedPairs, findings: Sequence[Finding], check: str, words: str) -> None:
    """Begin a draft with the repaired pairs; the one before is kept for the undo."""
    with tokenizer_lock():
        mended = repair(parsed, findings, (check,)).parsed
    _begin(mended, draft.bundled_id, (*_made(draft), Step(words, parsed, draft.bundled_id)))


def _undo(draft: Draft) -> None:
    """The way back from the last repair."""
    if made := _made(draft):
        last = made[-1]
        args = (last.before, last.bundled_id, made[:-1])
        st.button(f"Undo: {last.words}", key="undo_repair", on_click=_begin, args=args)


def _made(draft: Draft) -> tuple[Step, ...]:
    """The repairs that led to this draft."""
    serial, made = st.session_state.get(UNDO, (None, ()))
    return made if serial == draft.serial else ()


def _begin(parsed: ParsedPairs, bundled_id: str | None, made: tuple[Step, ...]) -> None:
    """Begin a draft, and remember the repairs that led to it."""
    unread = errors_of(parsed.problems)  # warnings are found again
    start_draft(replace(parsed, problems=unread), bundled_id=bundled_id)
    draft = current_draft()
    assert draft is not None
    st.session_state[UNDO] = (draft.serial, made)
