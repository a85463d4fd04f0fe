"""A Python script that runs a study again and compares its numbers with the stored ones."""

from __future__ import annotations

from core.export.literal import literal
from core.labs.multiple_choice.folder import Stored

TEMPLATE = '''\
"""Runs one multiple-choice study again and compares its numbers with the stored ones.

Run it from Circuitarium's own folder (the one that holds ``core``), with its requirements installed.
It ends with status 0 where the numbers agree, 1 where they do not.
"""

import sys

sys.path.insert(0, "")  # the folder it is run from

from core.models.load import load_model
from core.labs.multiple_choice.questions.questions import Question, QuestionSet
from core.labs.multiple_choice.study import study

MODEL, REVISION, DTYPE = {model}
LAYOUT, SEED = {layout}

# Text, the four options, the place of the right one.
QUESTIONS = {questions}

# Accuracy and loss by mutation and version, on the second half of the questions.
STORED = {stored}


def main() -> int:
    model = load_model(MODEL, dtype=DTYPE)
    if model.revision != REVISION:
        print(f"note: these weights are {{model.revision}}, the study's were {{REVISION}}", file=sys.stderr)
    questions = tuple(Question(text, tuple(options), answer) for text, options, answer in QUESTIONS)
    found = study(model, QuestionSet("again", questions), layout=LAYOUT, seed=SEED)
    print(found.verdict.words())
    now = found.tables["mutations"].set_index(["mutation", "version"])
    agree = True
    for mutation, version, accuracy, loss in STORED:
        row = now.loc[(mutation, version)]
        same = abs(row.accuracy - accuracy) <= 0.02 and abs(row.loss - loss) <= 0.02 * max(1.0, loss)
        agree = agree and same
        place = f"{{mutation}}, {{version}}"
        print(f"{{place:<26}} right {{row.accuracy:.3f}} ({{accuracy:.3f}})  loss {{row.loss:.3f}} ({{loss:.3f}})"
              f"{{'' if same else '  differs'}}")
    print("All agree." if agree else "Some differ.")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
'''


def reproduction_script(study: Stored) -> str:
    """The script's text. Everything that came from a user enters as a Python literal; nothing of it is code."""
    spec, bars = study.run["spec"], study.tables["mutations"]
    settings = spec["settings"]
    stored = [(r.mutation, r.version, float(r.accuracy), float(r.loss)) for r in bars.itertuples()]
    return TEMPLATE.format(
        model=literal((spec["model"], settings["revision"], settings["dtype"])),
        layout=literal((settings["layout"], settings["seed"])),
        questions=literal([(q.text, list(q.options), q.answer) for q in study.questions]),
        stored=literal(stored),
    )
