"""A Python script that runs a study again."""

from __future__ import annotations

from core.export.literal import literal
from core.labs.goals.settings import Settings

_SCRIPT = '''"""A study of goals; run it from Circuitarium's folder: `python goals.py`. Stopped, it goes on."""

import sys
from pathlib import Path

sys.path.insert(0, "")  # the folder it is run from

from core.labs.goals.settings import Settings
from core.labs.goals.study import run_study

SETTINGS = {settings}

if __name__ == "__main__":
    out = Path("goals-result")
    out.mkdir(exist_ok=True)
    summary = run_study(Settings.from_json(SETTINGS), scratch=Path("goals-unfinished"), out=out)
    for row in summary["verdicts"]:
        print(row["setting"], row["shift"], "misgeneralised:", row["misgeneralised"])
'''


def study_script(settings: Settings) -> str:
    """The script of a study; it writes the same files as the command."""
    return _SCRIPT.format(settings=literal(settings.to_json()))
