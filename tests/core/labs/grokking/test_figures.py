"""Every figure of the laboratory: what it draws is what it was given, in both themes, with a caption."""

import numpy as np
import pandas as pd
import pytest

from core.figures.captions import caption_of
from core.labs.grokking.figures.claims import final_by_size, logit_by_norm, norm_by_size, simulation_panels
from core.labs.grokking.figures.curves import curve_panels, measure_panels, size_panels
from core.labs.grokking.figures.inside import circles, frequency_bars, neuron_maps
from core.labs.grokking.simulation import Ingredients, course_table, simulate
from core.labs.grokking.training.row import COLUMNS

THEMES = ("light", "dark")


def curves(sizes=(100,), decays=(1.0,), seeds=(0, 1)):
    rows = []
    for run, (size, decay, seed) in enumerate((s, d, i) for s in sizes for d in decays for i in seeds):
        for step in (0, 1, 10, 100):
            values = dict.fromkeys(COLUMNS, 0.1 * (run + 1))
            who = {"run": run, "seed": seed, "n_train": size, "weight_decay": decay, "labels": "true", "step": step}
            rows.append(who | values)
    return pd.DataFrame(rows)


def drawn(fig, name):
    return [trace for trace in fig.data if trace.name == name]


@pytest.mark.parametrize("theme", THEMES)
def test_curves_have_a_line_a_run_and_quantity(theme):
    fig = curve_panels(curves(), title="Grokking", theme=theme)
    assert len(fig.data) == 2 * 5  # accuracy and loss of both sets, norm; two runs
    assert all(0 not in trace.x for trace in fig.data)
    assert all(axis.type == "log" for axis in fig.select_xaxes())
    assert "N = 2 runs" in caption_of(fig)


@pytest.mark.parametrize("theme", THEMES)
def test_sizes_have_a_panel_each_and_decays_a_colour(theme):
    fig = size_panels(curves((50, 100, 200, 300, 400), (0.5, 1.0)), title="Ungrokking", theme=theme)
    assert len(fig.data) == 5 * 2 * 2
    assert len({trace.line.color for trace in fig.data}) == 2
    assert sum(bool(trace.showlegend) for trace in fig.data) == 2


@pytest.mark.parametrize("theme", THEMES)
def test_final_accuracy_by_size(theme):
    ends = curves((50, 100), (0.5, 1.0)).groupby("run").tail(1)
    fig = final_by_size(ends, title="Ungrokking", chance=0.02, theme=theme)
    lines = [trace for trace in fig.data if trace.mode == "lines"]
    assert len(lines) == 2
    np.testing.assert_allclose(lines[0].y, ends[ends.weight_decay == 0.5].groupby("n_train").test_acc.mean())


@pytest.mark.parametrize("theme", THEMES)
def test_efficiency_draws_both_families(theme):
    ends = pd.concat([curves((50, 100)), curves((500, 900)).assign(labels="random")]).groupby(["labels", "run"]).tail(1)
    crossing = {"value": 300.0, "low": 250.0, "high": 350.0}
    fig = norm_by_size(ends, [{"critical_size": crossing, "weight_decay": 1.0}], title="Efficiency", theme=theme)
    assert len(fig.layout.shapes) == 1
    assert len(logit_by_norm(ends, title="Efficiency", theme=theme).data) == 2


@pytest.mark.parametrize("theme", THEMES)
def test_the_simulation_names_both_ratios(theme):
    ingredients = Ingredients(steps=2000)
    fig = simulation_panels(course_table(simulate(ingredients)), end_ratio=ingredients.end_ratio, theme=theme)
    assert "0.12500" in caption_of(fig)


@pytest.mark.parametrize("theme", THEMES)
def test_the_inside_of_a_network(theme):
    rng = np.random.default_rng(0)
    planes = {k: rng.normal(size=(7, 2)) for k in (1, 3)}
    fig = circles(planes, title="x", theme=theme)
    np.testing.assert_allclose(fig.data[1].y, planes[3][:, 1])
    maps = np.abs(rng.normal(size=(2, 7, 5)))
    fig = neuron_maps(maps, ["a", "b"], title="x", theme=theme)
    np.testing.assert_allclose(fig.data[1].z, maps[1].T, rtol=1e-6)
    assert {trace.zmax for trace in fig.data} == {maps.max()}
    bars = frequency_bars(np.array([3.0, 0.0, 4.0]), (3,), 0.5, title="x", theme=theme).data[0]
    np.testing.assert_allclose(bars.y, [0.18, 0.0, 0.32])
    assert len(set(bars.marker.color)) == 2


@pytest.mark.parametrize("theme", THEMES)
def test_measures_over_steps(theme):
    names = ("trig_fraction", "restricted_loss", "excluded_loss", "gini_embedding", "gini_neurons")
    table = pd.DataFrame({"step": [0, 1, 10], **{name: [0.0, 0.5, 1.0] for name in names}, "keys": "1 3"})
    fig = measure_panels(table, title="x", theme=theme)
    assert len(fig.data) == 5
    assert "1 3" in caption_of(fig)
