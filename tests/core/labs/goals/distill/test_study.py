"""A whole small distillation, cut off in the middle; and the model that it leaves behind."""

import json

import numpy as np
import pytest
import torch

from core.errors import Cancelled
from core.labs.goals.distill.measure import pupil_scores
from core.labs.goals.distill.network import Size
from core.labs.goals.distill.prompts import ACTIONS, board_tokens, prompt
from core.labs.goals.distill.study import CHECKPOINT, distill, save_distilled
from core.labs.goals.distill.training import Plan
from core.models.load import load_model
from core.worlds.tasks.corner import Corner, CornerSettings

SIZE = Size(layers=2, heads=2, width=16, neurons=16)
PLAN = Plan(size=SIZE, steps=20, batch=32, every=5, warm=3)
FEW = {"boards": 300, "fresh": 150, "episodes": 40}


def teacher(world):
    return np.exp(world.scores("intended") / 4)


def test_a_distillation_that_was_cut_off_ends_where_a_whole_one_does(tmp_path):
    for folder in ("whole", "cut"):
        (tmp_path / folder).mkdir()
    steps, reports = [], []
    whole = distill(
        teacher,
        CornerSettings(),
        PLAN,
        tmp_path / "whole",
        **FEW,
        on_step=lambda done, total: steps.append((done, total)),
        on_report=lambda step, loss: reports.append(step),
    )
    assert steps == [(5, 20), (10, 20), (15, 20), (20, 20)]
    assert reports == [5, 10, 15, 20]
    with pytest.raises(Cancelled):
        distill(teacher, CornerSettings(), PLAN, tmp_path / "cut", **FEW, cancelled=lambda: True)
    assert (tmp_path / "cut" / CHECKPOINT).exists()
    again = distill(teacher, CornerSettings(), PLAN, tmp_path / "cut", **FEW)
    assert again.to_json() == whole.to_json()
    assert all(torch.equal(again.weights[name], tensor) for name, tensor in whole.weights.items())
    assert json.loads(json.dumps(whole.to_json()))["agreement"]["boards"] == 150
    assert whole.teacher["training"].cheese == whole.teacher["away"].cheese == 1.0


def test_the_kept_folder_answers_as_the_pupil_does(tmp_path):
    made = distill(teacher, CornerSettings(), PLAN, tmp_path, **FEW)
    save_distilled(made, tmp_path / "model")
    model = load_model("agent", device="cpu", location=tmp_path / "model")
    world = Corner(CornerSettings(random_levels=1.0, levels=6), 6, np.random.default_rng(4))
    tokens = board_tokens(world)
    ids = torch.tensor([model.tokenizer(prompt(row)).input_ids for row in tokens])
    with torch.no_grad():
        found = model.hf(input_ids=ids).logits[:, -1, ACTIONS]
    np.testing.assert_allclose(found.numpy(), pupil_scores(made.weights, SIZE)(tokens), atol=1e-5)
