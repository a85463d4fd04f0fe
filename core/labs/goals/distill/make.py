"""Makes the models of the corner agents that come with the app, their pairs, and the table of their heads.

    python -m core.labs.goals.distill.make --scratch FOLDER [--only corner-agent]

trains the two teachers where they are not kept yet (double DQN, corner size 1, with no and with 2 % random levels),
distils each (about a quarter of an hour on one core), and writes

    assets/models/corner-agent, corner-agent-mixed     the pupils
    assets/labs/goals/distill/teachers.safetensors     the teachers
    assets/labs/goals/distill/<name>.json              agreement and behaviour
    assets/labs/goals/distill/heads.csv                what every head reads
    assets/pairs/corner_cheese.csv                     boards that differ in the cheese, solved by every kept pupil

A run that was cut off goes on from the checkpoint in its scratch folder.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from core.agents.agent import Agent, load_agents, save_agents
from core.agents.learning import Learning, Run
from core.agents.train import train
from core.labs.goals.distill.heads import read_heads
from core.labs.goals.distill.measure import CALL, Scores
from core.labs.goals.distill.pairs import NAME, cheese_pairs
from core.labs.goals.distill.prompts import ACTIONS
from core.labs.goals.distill.states import Teacher
from core.labs.goals.distill.study import distill, save_distilled
from core.labs.goals.distill.training import Plan
from core.models.catalogue import SHIPPED
from core.models.load import LoadedModel, load_model
from core.paths import ASSETS
from core.prompts.bundled import PAIRS_FOLDER
from core.prompts.parse import pairs_to_csv
from core.worlds.tasks.corner import Corner, CornerSettings

KEPT = ASSETS / "labs" / "goals" / "distill"
TEACHERS = KEPT / "teachers.safetensors"
SETTINGS = {"corner-agent": CornerSettings(), "corner-agent-mixed": CornerSettings(random_levels=0.02)}


def kept_teachers() -> dict[str, Agent]:
    """The teachers by the name of their pupil, trained from seed 0 where they are not kept yet."""
    if not TEACHERS.exists():
        runs = tuple(Run(Corner, settings, 0) for settings in SETTINGS.values())
        record = train(runs, Learning(bits=True))
        KEPT.mkdir(parents=True, exist_ok=True)
        save_agents({name: Agent(record.net, record.flat[i : i + 1]) for i, name in enumerate(SETTINGS)}, TEACHERS)
    return load_agents(TEACHERS)


def as_teacher(agent: Agent) -> Teacher:
    """An agent's Q-values as those of a teacher."""
    return lambda world: agent.q(world.observe())


def model_scores(model: LoadedModel) -> Scores:
    """A kept model's logits of the four actions."""

    @torch.no_grad()
    def scores(tokens: np.ndarray) -> np.ndarray:
        calls = torch.from_numpy(tokens).long().split(CALL)
        return torch.cat([model.hf(input_ids=ids).logits[:, -1, ACTIONS] for ids in calls]).numpy()

    return scores


def make_model(name: str, teacher: Agent, scratch: Path) -> None:
    """Distil one agent, and write its model and measures."""
    started = time.perf_counter()
    folder = scratch / name
    folder.mkdir(parents=True, exist_ok=True)

    def report(step: int, loss: float) -> None:
        print(f"{name}  {time.perf_counter() - started:5.0f} s  step {step:>5}  loss {loss:.4f}", flush=True)

    made = distill(as_teacher(teacher), SETTINGS[name], Plan(), folder, on_report=report)
    save_distilled(made, SHIPPED / name)
    measures = json.dumps(made.to_json(), indent=1)
    (KEPT / f"{name}.json").write_text(measures + "\n", encoding="utf-8")
    print(measures, flush=True)


def make_tables() -> None:
    """Write the heads of all kept models, and the pairs that all of them solve."""
    kept = [name for name in SETTINGS if (SHIPPED / name).exists()]
    models = {name: load_model(name, device="cpu", location=SHIPPED / name) for name in kept}
    tables = [read_heads(model).table().assign(model=name) for name, model in models.items()]
    pd.concat(tables).to_csv(KEPT / "heads.csv", index=False, lineterminator="\n", float_format="%.4g")
    pairs = pairs_to_csv(cheese_pairs([model_scores(model) for model in models.values()]))
    (PAIRS_FOLDER / f"{NAME}.csv").write_text(pairs, encoding="utf-8", newline="")


def main() -> None:
    """Make all of it, or one model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--only", choices=[*SETTINGS, "tables"], help="one model, or the tables of the kept ones")
    options = parser.parse_args()
    teachers = kept_teachers()
    for name in SETTINGS if options.only is None else {options.only} & set(SETTINGS):
        make_model(name, teachers[name], options.scratch)
    if options.only in (None, "tables"):
        make_tables()


if __name__ == "__main__":
    main()
