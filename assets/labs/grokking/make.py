"""Train the runs that come with the app: `python -m assets.labs.grokking.make [regime ...]` in the repository's folder.

Presets and their seeds are those of ``core.labs.grokking.presets`` (small, seed 0). Checkpoints are kept in
float16, and only where the page shows them. Stopped half-way, it goes on.
"""

import shutil
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from core.labs.grokking.experiment import run_experiment
from core.labs.grokking.presets import preset
from core.labs.grokking.record import WEIGHTS
from core.labs.grokking.settings import REGIMES

HERE = Path(__file__).parent


def make(regime: str, work: Path) -> None:
    """Train one preset and keep what the page shows."""
    out = work / "finished"
    out.mkdir(parents=True, exist_ok=True)
    run_experiment(preset(regime), scratch=work, out=out)
    keep(regime, out)


def keep(regime: str, finished: Path) -> None:
    """Copy a finished folder beside this script, thinned."""
    target = HERE / regime
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(finished, target)
    weights = load_file(target / WEIGHTS)
    if "kept" in weights:
        small = {name: part if name == "step" else part.astype(np.float16) for name, part in weights.items()}
        save_file(small, target / WEIGHTS)
    else:
        (target / WEIGHTS).unlink()


if __name__ == "__main__":
    for name in sys.argv[1:] or REGIMES:
        make(name, Path("results") / ".grokking" / name)
