"""A Python script that runs a study again and compares its mean accuracies with the stored ones."""

from __future__ import annotations

from core.export.literal import literal
from core.labs.knowledge.summary import StudyFiles

TEMPLATE = '''\
"""Runs one study of probes again and compares its mean held-out accuracies with the stored ones.

Run it from Circuitarium's own folder (the one that holds ``core``), with its requirements installed.
It ends with status 0 where the numbers agree within 0.02, 1 where they do not.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, "")  # the folder it is run from

from core.models.load import load_model
from core.labs.knowledge.cache import Cache
from core.labs.knowledge.outcome import run_study
from core.labs.knowledge.settings import settings_from_json
from core.labs.knowledge.statements.statements import Item, Statements
from core.labs.knowledge.summary import StudyFiles
from core.labs.knowledge.statements.wording import Wording

MODEL, DTYPE = {model}, {dtype}
SETTINGS = {settings}
WORDING = {wording}

# text, label, group, topic
ITEMS = {items}

# condition, method, mean accuracy on the truth, on the distractor; at the layer of focus, held out
STORED = {stored}


def main() -> int:
    settings = settings_from_json(SETTINGS)
    wording = Wording(WORDING["template"], WORDING["reworded"], tuple(WORDING["answers"]))
    statements = Statements({name}, tuple(Item(*item) for item in ITEMS))
    agree = True
    with tempfile.TemporaryDirectory() as folder:
        run_study(load_model(MODEL, dtype=DTYPE), statements, wording, settings, Path(folder), cache=Cache())
        now = StudyFiles(Path(folder)).means()
    for condition, method, truth, distractor in STORED:
        found = now[condition, method]
        same = abs(found[0] - truth) <= 0.02 and abs(found[1] - distractor) <= 0.02
        agree = agree and same
        line = f"{{condition:<10}} {{method:<21}} truth {{found[0]:.3f}} ({{truth:.3f}})"
        print(f"{{line}}  distractor {{found[1]:.3f}} ({{distractor:.3f}}){{'' if same else '  differs'}}")
    print("All agree." if agree else "Some differ.")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
'''


def reproduction_script(files: StudyFiles) -> str:
    """The script's text. What came from a user enters as Python literals made by ``repr``; nothing of it is code."""
    report = files.report
    items = [
        (str(row.text), bool(row.label), str(row.group), str(row.topic)) for row in files.items.itertuples(index=False)
    ]
    stored = [(c, m, round(truth, 4), round(other, 4)) for (c, m), (truth, other) in files.means().items()]
    return TEMPLATE.format(
        model=literal(report["model"]["id"]),
        dtype=literal(report["model"]["dtype"].removeprefix("torch.")),
        settings=literal(report["settings"]),
        wording=literal(report["wording"]),
        name=literal(report["data"]["name"]),
        items=literal(items),
        stored=literal(stored),
    )
