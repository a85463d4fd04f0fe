"""The task worlds against their named peers, each in one run.

    python -m benchmarks.worlds [--part stepping|training]

``stepping``: steps a second of *corner* against MiniGrid's 8 x 8 empty room under Gymnasium's SyncVectorEnv, as many
copies of each, observations made, random actions, ended episodes begun anew. Seconds are of the process, so that a
busy machine distorts less; the ratio is the median of alternating turns. MiniGrid is needed for nothing else: ``pip
install minigrid``. ``training``: see ``benchmarks.worlds_training``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from benchmarks.worlds_training import training
from core.worlds.tasks.gym import register

OUT = Path(__file__).parent / "results" / "worlds.json"
COPIES, TURNS, STEPS, ROOM_STEPS = 256, 5, 2000, 40


def steps_a_second(envs: gymnasium.vector.VectorEnv, steps: int) -> float:
    """Of all copies together, in seconds of this process."""
    actions = np.random.default_rng(0).integers(0, int(envs.single_action_space.n), (steps, envs.num_envs))  # type: ignore[attr-defined]
    envs.reset(seed=0)
    began = time.process_time()
    for chosen in actions:
        envs.step(chosen)
    return steps * envs.num_envs / (time.process_time() - began)


def stepping() -> dict[str, Any]:
    """Steps a second of both, and how many times as fast *corner* is."""
    try:
        import minigrid  # noqa: F401  (its import makes the room known)
    except ImportError as missing:
        raise SystemExit("This part steps MiniGrid's empty room too. Next step: pip install minigrid.") from missing
    register()
    corner = gymnasium.make_vec("circuitarium/corner-v0", COPIES)
    room = gymnasium.vector.SyncVectorEnv([_room] * COPIES)
    turns = [(steps_a_second(corner, STEPS), steps_a_second(room, ROOM_STEPS)) for _ in range(TURNS)]
    return {
        "copies": COPIES,
        "corner_steps_a_second": round(statistics.median(ours for ours, _ in turns)),
        "minigrid_steps_a_second": round(statistics.median(theirs for _, theirs in turns)),
        "times_as_fast": round(statistics.median(ours / theirs for ours, theirs in turns), 1),
    }


def _room() -> gymnasium.Env:
    """Without Gymnasium's checks of every step, which *corner* does not have either."""
    return gymnasium.make("MiniGrid-Empty-8x8-v0", disable_env_checker=True)


PARTS: dict[str, Callable[[], dict[str, Any]]] = {"stepping": stepping, "training": training}


def main() -> None:
    """Measure the parts asked for; the stored numbers of the others stay."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, help="only this one")
    only = parser.parse_args().part
    found = json.loads(OUT.read_text()) if OUT.exists() else {}
    for part in [only] if only else PARTS:
        found[part] = PARTS[part]()
        print(part, json.dumps(found[part]))
    OUT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
