"""A Python script that trains an experiment again."""

from __future__ import annotations

from pprint import pformat

from core.labs.grokking.settings import Settings

_SCRIPT = '''"""{title}: run beside Circuitarium's folder, `python grokking.py`."""

from pathlib import Path

from core.labs.grokking.experiment import run_experiment
from core.labs.grokking.settings import Settings

SETTINGS = {settings}

if __name__ == "__main__":
    out, scratch = Path("grokking-result"), Path("grokking-unfinished")
    out.mkdir(exist_ok=True)
    scratch.mkdir(exist_ok=True)
    # Stopped half-way, it goes on from scratch's checkpoints.
    summary = run_experiment(Settings.from_json(SETTINGS), scratch=scratch, out=out)
    for run in summary["runs"]:
        print(run)
'''


def experiment_script(settings: Settings) -> str:
    """The script of an experiment; it writes ``curves.parquet``, ``summary.json`` and the checkpoints."""
    return _SCRIPT.format(title=settings.regime, settings=pformat(settings.to_json(), width=110, sort_dicts=False))
