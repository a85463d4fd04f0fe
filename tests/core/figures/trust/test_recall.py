"""Cost curves and bounds as figures: every method there, every number the table's."""

import numpy as np
import pandas as pd

from core.figures.captions import caption_of
from core.figures.trust.recall import bound_curves, cost_curves


def table():
    k = np.array([1, 2, 5])
    rows = [("oracle", 0, k), ("atp", 0, k + 4), ("iterative", 0, 3.0 * k), ("iterative", 1, 12.0 * k)]
    return pd.concat([pd.DataFrame({"method": m, "seed": s, "k": k, "cost": c}) for m, s, c in rows])


def test_a_line_a_method_and_a_band_where_seeds_differ():
    fig = cost_curves(table(), n_pairs=1)
    lines = {trace.name: trace for trace in fig.data if trace.name}
    assert list(lines) == ["Oracle", "AtP", "Random order"]
    np.testing.assert_allclose(lines["AtP"].y, [5, 6, 9])
    np.testing.assert_allclose(lines["Random order"].y, [6, 12, 30])  # the geometric mean
    assert sum(trace.fill == "toself" for trace in fig.data) == 1
    assert fig.layout.xaxis.type == fig.layout.yaxis.type == "log"
    assert "N = 1 pair." in caption_of(fig)


def test_bounds_beside_what_was_truly_missed():
    rows = [(0, 0.9, 2.0, 1.0), (0, 0.99, np.inf, 1.0), (10, 0.9, 0.3, 0.4), (10, 0.99, 0.5, 0.4)]
    fig = bound_curves(pd.DataFrame(rows, columns=["verified", "confidence", "bound", "true_max"]), unit="logits")
    lines = {trace.name: trace for trace in fig.data}
    assert list(lines["Bound, 90 %"].y) == [2.0, 0.3]
    assert list(lines["Bound, 99 %"].x) == [1]  # where it is infinite there is no point
    assert list(lines["Truly missed"].y) == [1.0, 0.4]
    assert "1 of 3 bounds" in caption_of(fig)
