"""The Readouts page on a tiny model: every view, and what comes with the app."""

import json

import numpy as np
import pytest

from core.readouts.summary import direct_means
from tests.ui.conftest import settle, text_of
from ui.readouts import data as readouts_data


def test_parts_sum_and_a_head_is_looked_into(open_page, tiny_pairs):
    app = settle(settle(open_page("readouts", pairs=tiny_pairs)))
    text = text_of(app).replace("\\", "")
    assert "parts sum to the logit difference of every pair within" in text
    assert "N = 2 pairs" in text
    assert len(app.get("plotly_chart")) == 2
    app.selectbox(key="readout_unit").set_value((1, -1))
    app = settle(settle(app.run()))
    assert "neurons of L1 MLP" in text_of(app)


@pytest.mark.parametrize("show", ["By token", "Logit lens", "A head in words"])
def test_every_view(open_page, tiny_pairs, show):
    app = settle(settle(open_page("readouts", pairs=tiny_pairs, show=show)))
    assert app.get("plotly_chart")
    assert not app.error
    if show == "A head in words":
        assert {"token", "its own rank"} <= set(app.dataframe[0].value)


def test_what_comes_with_the_app(open_page):
    direct, lens = readouts_data.kept()
    assert set(direct.node) == {"embedding", "head", "mlp", "bias"}
    run = json.loads((readouts_data.KEPT / "run.json").read_text())
    assert run["lab"] == "readouts"
    assert lens.layer.max() == 30
    means = direct_means(direct)
    assert np.unravel_index(means.heads.argmax(), means.heads.shape) == (23, 3)
    assert means.total > 0
