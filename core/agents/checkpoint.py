"""All of a row in one file, so that a killed one goes on to the same curve: networks, optimiser, memory, worlds, rngs.

Nothing is pickled: arrays go into a safetensors file, the generators' whole numbers as JSON into its head.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from core.agents.dqn import Row
from core.agents.nstep import NStep
from core.errors import ResultError


def save_row(row: Row, path: Path, more: dict[str, np.ndarray]) -> None:
    """Write everything, whole or not at all; ``more`` comes back from ``restore_row``."""
    arrays = {"flat": row.flat.numpy(), "target": row.target.numpy(), "loss": row.loss}
    arrays |= {"seen": row.players.seen, "following": row.players.following}
    arrays |= {f"adam.{k}": v.numpy() for k, v in row.adam.state.get(row.flat, {}).items()}
    arrays |= {f"replay.{name}": values[:, : len(row.replay)] for name, values in row.replay.arrays.items()}
    for i, world in enumerate(row.players.worlds):
        arrays |= {f"world-{i}.{field.name}": getattr(world.state, field.name) for field in fields(world.state)}
    for k, step in enumerate(row.ahead.steps):
        arrays |= {f"ahead-{k}.{name}": values for name, values in zip(NStep.NAMES, step, strict=True)}
    arrays |= {f"more.{name}": values for name, values in more.items()}
    counts = {"rounds": row.rounds, "learned": row.learned, "added": row.replay.added}
    generators = [*(world.rng for world in row.players.worlds), *row.players.rngs]
    head = {"counts": json.dumps(counts), "rngs": json.dumps([rng.bit_generator.state for rng in generators])}
    head["row"] = _identity(row)
    unfinished = path.with_suffix(".new")
    save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, unfinished, metadata=head)
    unfinished.replace(path)


def restore_row(row: Row, path: Path) -> dict[str, np.ndarray]:
    """Bring a fresh row of the same runs to where ``save_row`` left it.

    Raises:
        ResultError: the file cannot be read, or is of other runs.
    """
    try:
        with safe_open(path, "numpy") as file:
            head, arrays = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        counts, states = json.loads(head["counts"]), json.loads(head["rngs"])
        if head["row"] != _identity(row):
            raise ValueError("another row")
        _fill(row, arrays, counts, states)
    except (OSError, KeyError, ValueError, TypeError, SafetensorError) as error:
        raise ResultError(
            "The checkpoint cannot be read, or is of other agents.", where=path.name, next_step="Delete it."
        ) from error
    return _part(arrays, "more.")


def _identity(row: Row) -> str:
    return repr((row.runs, row.learning))


def _fill(row: Row, arrays: dict[str, np.ndarray], counts: dict[str, int], states: list[dict]) -> None:
    row.flat.copy_(torch.from_numpy(arrays["flat"]))
    row.target = torch.from_numpy(arrays["target"])
    row.rounds, row.learned, row.replay.added = counts["rounds"], counts["learned"], counts["added"]
    row.loss, row.players.seen, row.players.following = arrays["loss"], arrays["seen"], arrays["following"]
    for name, values in _part(arrays, "replay.").items():
        row.replay.arrays[name][:, : values.shape[1]] = values
    for i, world in enumerate(row.players.worlds):
        world.state = type(world.state)(**_part(arrays, f"world-{i}."))
    for k in range(min(row.rounds, row.learning.ahead)):
        step = _part(arrays, f"ahead-{k}.")
        row.ahead.add(*(step[name] for name in NStep.NAMES))
    adam = {name: torch.from_numpy(values) for name, values in _part(arrays, "adam.").items()}
    if adam:
        row.adam.load_state_dict({**row.adam.state_dict(), "state": {0: adam}})
    generators = [*(world.rng for world in row.players.worlds), *row.players.rngs]
    for rng, state in zip(generators, states, strict=True):
        rng.bit_generator.state = state


def _part(arrays: dict[str, np.ndarray], start: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(start): values for name, values in arrays.items() if name.startswith(start)}
