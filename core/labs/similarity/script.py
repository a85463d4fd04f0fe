"""A Python script that runs a study again."""

from __future__ import annotations

from core.export.literal import literal
from core.labs.similarity.settings import Settings

_SCRIPT = '''"""A study of representations; run it from Circuitarium's folder: `python similarity.py`."""

import sys
from pathlib import Path

sys.path.insert(0, "")  # the folder it is run from

from core.labs.similarity.settings import Settings
from core.labs.similarity.study import run_study

SETTINGS = {settings}

if __name__ == "__main__":
    out = Path("similarity-result")
    out.mkdir(exist_ok=True)
    table = run_study(Settings.from_json(SETTINGS), out)
    print(table.groupby(["representation", "noise", "answers"])[["fpe", "tpa", "violated"]].mean().round(3))
'''


def study_script(settings: Settings) -> str:
    """The script of a study; it writes the same files as the command."""
    return _SCRIPT.format(settings=literal(settings.to_json()))
