"""Figures of a kept study show the numbers of its tables, and say what they are."""

import numpy as np
import pandas as pd
import pytest

from core.figures.captions import caption_of
from core.figures.printing import for_print
from core.labs.multiple_choice.figures import heads as inside
from core.labs.multiple_choice.figures import overview as figures
from core.labs.multiple_choice.folder import read_study
from core.paths import ASSETS

STUDIES = ASSETS / "labs" / "multiple_choice" / "studies"
CURVE = STUDIES.parent / "training.csv"


@pytest.fixture(scope="module")
def study():
    return read_study(STUDIES / "label-binding-words")


def drawn(study, theme="light"):
    t, n = study.tables, study.summary["prompts"]
    prompts = t["answers"].groupby("mutation").size().to_dict()
    head = next(iter(study.summary["heads"]))
    heads = [(0, 0, "other"), (1, 2, "correct letter")]
    ranks = {"heads": "together", "parts": "q+k", "on": "held out"}
    return {
        "labels": figures.label_shares(t["labels"], prompts, theme=theme),
        "nodes": figures.node_bars(t["nodes"], n=n, theme=theme),
        "effects": figures.direct_total(t["effects"], t["nodes"], ablation="resample", metric="loss", theme=theme),
        "kept": figures.sufficiency(t["kept"], measure="accuracy", theme=theme),
        "looks": inside.looks(t["looks"], heads, n=n, theme=theme),
        "ranks": inside.rank_curves(t["ranks"], **ranks, measure="recovered", theme=theme),
        "scatter": inside.scatter(t["points"], t["separation"], head=head, fit="svd", theme=theme),
        "mutations": inside.mutation_bars(t["mutations"], measure="loss", rank=3, heads="L1H2", theme=theme),
        "training": figures.training(pd.read_csv(CURVE), {"finished": 3000}, theme=theme),
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_figure_has_a_caption_and_prints(study, theme):
    for name, fig in drawn(study, theme).items():
        text = caption_of(fig)
        assert "N = " in text or name == "training", name
        assert for_print(fig).layout.width == 322
        assert len(fig.to_json()) < 2_000_000


def test_points_are_the_tables_numbers(study):
    effects = study.tables["effects"]
    mine = effects[(effects.ablation == "resample") & (effects.metric == "loss")]
    wanted = mine.pivot(index="node", columns="path", values="effect")
    seen = {
        text: (x, y)
        for trace in drawn(study)["effects"].data
        if trace.text is not None
        for text, x, y in zip(trace.text, trace.x, trace.y)
    }
    assert set(seen) == set(wanted.index)
    for node, (x, y) in seen.items():
        assert (x, y) == (wanted.direct[node], wanted.total[node])


def test_shares_fill_each_bar_and_rows_of_looks_are_the_heads_asked_for(study):
    bars = drawn(study)["labels"].data
    np.testing.assert_allclose(np.sum([bar.x for bar in bars], axis=0), 1, atol=1e-4)
    grid = np.array(drawn(study)["looks"].data[0].z)
    table = study.tables["looks"]
    label = table[(table.layer == 1) & (table["head"] == 2) & (table.source == "label")]
    wanted = label.pivot(index="right", columns="option", values="weight").to_numpy()
    np.testing.assert_allclose(grid[4:, :4], wanted)
    np.testing.assert_allclose(grid.sum(1), 1, atol=1e-3)


def test_curves_join_means_over_draws(study):
    ranks = study.tables["ranks"]
    mine = ranks[(ranks.heads == "together") & (ranks.parts == "q+k") & (ranks["on"] == "held out")]
    line = next(t for t in drawn(study)["ranks"].data if t.name == inside.FIT_WORDS["random"])
    np.testing.assert_allclose(line.y, mine[mine.fit == "random"].groupby("rank").recovered.mean())
    bars = {trace.name: trace.y for trace in drawn(study)["mutations"].data}
    table = study.tables["mutations"]
    for version, (name, _) in inside.VERSIONS.items():
        np.testing.assert_allclose(bars[name], table[table.version == version].loss)
