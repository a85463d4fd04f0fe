"""The results on show: those that are there, and what to say about those that are not (yet)."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.errors import ResultError, UserError
from core.figures.captions import METRIC_WORDS, way
from core.figures.style import NAMES
from core.patching.results.result import AttributionResult
from core.patching.results.told import screen_lines
from core.runs.worker import Job
from core.terms import CHOICES
from ui.shell.messages import counted, plain, show_error
from ui.shell.progress import ended_badly, follow
from ui.shell.start import refusal, resume, so_far
from ui.shell.state import current_pairs, show_results, shown_results
from ui.shell.store import has_result, load_result, store
from ui.shell.worker import worker


def results_on_show() -> list[AttributionResult]:
    """Draw the state of every result that is not there, and return the others, screens and exact ones first."""
    if (refused := refusal()) is not None:
        show_error(refused)
    found, jobs, missing = [], [], []
    for digest in shown_results():
        result = _load(digest)
        job = worker().find(digest)
        if result is not None:
            found.append(result)
        elif job is not None and job.state != "done":
            jobs.append(job)
        else:
            missing.append(digest)
    follow([job for job in jobs if job.active])
    for job in jobs:
        if not _stopped(job):
            ended_badly(job, again=partial(_forget, job))
    if missing:
        _missing(missing)
    return in_order(found)


def in_order(results: list[AttributionResult]) -> list[AttributionResult]:
    """Screens first, then exact sweeps, then estimates."""
    return sorted(results, key=lambda result: CHOICES.index(result.spec.choice))


def unfinished() -> list[AttributionResult]:
    """What the runs on show that are not finished have so far."""
    found = [so_far(digest) for digest in shown_results() if not has_result(digest)]
    return [result for result in found if result is not None]


def going_on() -> bool:
    """Whether a run on show is still worked on."""
    jobs = [worker().find(digest) for digest in shown_results()]
    return any(job is not None and job.active for job in jobs)


def _stopped(job: Job) -> bool:
    """A cancelled run of which something is there: it is kept, and the run can go on."""
    result, entry = so_far(job.key), store().entry(job.key)
    if job.state != "cancelled" or result is None or entry is None:
        return False
    st.info(f"{plain(job.title)} was cancelled. What it has is kept: {result.partial}.")
    st.button("Go on with it", key=f"resume_{job.key}", on_click=resume, args=(entry,))
    return True


def _load(digest: str) -> AttributionResult | None:
    try:
        return load_result(digest)
    except UserError as error:
        show_error(error)
        return None


def _forget(job: Job) -> None:
    """Take a failed run off the page; the form above asks for it again with what is chosen there now."""
    show_results(tuple(digest for digest in shown_results() if digest != job.key))


def _missing(digests: list[str]) -> None:
    for entry in [store().entry(digest) for digest in digests]:
        if entry is not None and entry.state == "interrupted":
            st.warning("A run was interrupted when the server stopped.")
            st.button("Go on with it", key=f"resume_{entry.digest}", on_click=resume, args=(entry,))
            return
    show_error(
        ResultError(
            f"{'A result' if len(digests) == 1 else f'{len(digests)} results'} that the link names "
            f"{'is' if len(digests) == 1 else 'are'} not on this server.",
            next_step="Run it again above, or open its folder below.",
        )
    )
    kept = tuple(digest for digest in shown_results() if digest not in digests)
    st.button("Leave it out", on_click=show_results, args=(kept,))


def whose(results: list[AttributionResult]) -> None:
    """Which question the results answer, where it is not the one that the form above would ask."""
    asked = (r.spec for r in results)
    specs = {(s.model, s.pairs_digest, s.metric, s.direction, s.donor, s.spans) for s in asked}
    if len(specs) > 1:
        st.warning("These results differ in their model, pairs, metric, direction or donor: do not compare them.")
    spec = results[0].spec
    other = "" if spec.pairs_digest == current_pairs().digest else " on other pairs than those chosen above"
    most = max(len(result.pairs) for result in results)
    measured = f"{way(spec)}, {METRIC_WORDS[spec.metric]}"
    st.caption(f"{plain(spec.model)}, {counted(most, 'pair')}{other}, {measured}.")
    for result in results:
        if result.partial:
            st.markdown(f"{plain(NAMES[result.spec.choice])}, not finished: **{result.partial}**.")
        for line in screen_lines(result, NAMES[result.spec.method]):
            st.markdown(plain(line))
