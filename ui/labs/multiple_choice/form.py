"""The form of the Multiple choice page: which questions, and what the study will take."""

from __future__ import annotations

import streamlit as st

from core.errors import UserError
from core.labs.multiple_choice.names import MOST_CIRCUIT, prompts_asked, spec_of
from core.labs.multiple_choice.questions.bundled import BUNDLED, find_bundled, load_questions
from core.labs.multiple_choice.questions.layouts import LAYOUTS, build
from core.labs.multiple_choice.questions.questions import QuestionSet, read_questions
from ui.labs.multiple_choice.data import keep_questions
from ui.labs.multiple_choice.page import compute_of, show
from ui.parts.uploads import KINDS, read_upload
from ui.shell.laboratory import refuse, start_lab
from ui.shell.messages import counted, duration, show_error
from ui.shell.models import ModelFacts
from ui.shell.start import keep_choice

OWN = "own"
LAYOUT_NAMES = {"exam": "Exam: question, options, Answer: (", "word": "Word: options, then one of them (for the toy)"}
FILE_HELP = (
    "CSV, JSON or Excel with the columns question, A, B, C, D and answer (A to D, or a number), with or without a "
    "header, as MMLU's files are, or with choices (a list of four); other names can be matched once the file is there. "
    "8 to 400 questions."
)
CHARACTERS_A_TOKEN = 4
SWEEPS = 40  # a prompt of the circuit in forwards of a prompt, roughly


def study_form(facts: ModelFacts) -> None:
    """Choose questions, see what the study costs, run it."""
    try:
        questions, layout = _questions(facts)
    except UserError as error:
        show_error(error)
        questions, layout = None, "exam"
    if questions is not None:
        _preview(questions, layout)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Ask, and take the circuit apart",
            type="primary",
            shortcut="Ctrl+Enter",
            disabled=questions is None,
            on_click=_start,
            args=(facts, questions, layout),
        )
        if questions is not None:
            asking, circuit = _expected(facts, questions)
            st.caption(
                f"{duration(asking)} for {counted(prompts_asked(questions), 'prompt')}; if the model binds labels, "
                f"{duration(circuit)} more for its circuit."
            )
        keep_choice()


def _questions(facts: ModelFacts) -> tuple[QuestionSet | None, str]:
    titles = {entry.id: entry.title for entry in BUNDLED} | {OWN: "A file of my own (MMLU's form)"}
    toy = facts.model_id.startswith("label-binding")
    left, right = st.columns(2)
    chosen = left.selectbox(
        "Questions", list(titles), index=0 if toy else 1, format_func=titles.__getitem__, key=f"mc_questions_{toy}"
    )
    bundled = find_bundled(chosen)
    if bundled is not None:
        st.caption(bundled.about)
        return load_questions(chosen), bundled.layout
    layout = right.selectbox("Layout", list(LAYOUTS), format_func=LAYOUT_NAMES.__getitem__, key="mc_layout")
    file = st.file_uploader("Questions", type=KINDS, max_upload_size=2, key="mc_file", help=FILE_HELP)
    if file is None:
        st.caption(FILE_HELP)
        return None, layout
    parsed = read_upload(file, read_questions, key="mc_file")
    return parsed.questions if parsed is not None else None, layout


def _preview(questions: QuestionSet, layout: str) -> None:
    with st.expander(f"The first prompt, of {counted(len(questions), 'question')}"):
        st.code(build(questions.questions[0], LAYOUTS[layout], "standard", "ABCD").text, language=None, wrap_lines=True)
        st.caption("Every question is asked four times, its options moved on by one each time.")


def _expected(facts: ModelFacts, questions: QuestionSet) -> tuple[float, float]:
    """Seconds for asking, and for the circuit if there is one."""
    characters = sum(len(q.text) + sum(map(len, q.options)) + 90 for q in questions.questions) / len(questions)
    a_prompt = characters / CHARACTERS_A_TOKEN * facts.shape.n_layers / facts.speed + 0.004 * facts.shape.n_layers
    circuit = min(MOST_CIRCUIT, 4 * len(questions)) * SWEEPS + prompts_asked(questions) * 6
    return prompts_asked(questions) * a_prompt, circuit * a_prompt


def _start(facts: ModelFacts, questions: QuestionSet, layout: str) -> None:
    try:
        spec = spec_of(facts.model_id, facts.revision, facts.card.precision, questions, layout=layout)
    except UserError as error:
        refuse(error)
        return
    keep_questions(questions)
    seconds = sum(_expected(facts, questions))
    start_lab(spec, compute_of(spec, questions), items=len(questions), expected=seconds)
    show(spec.digest)
