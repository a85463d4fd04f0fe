"""Nominal against actual rate of the bound."""

import pandas as pd
import pytest

from core.figures.captions import caption_of
from core.figures.trust.coverage import coverage_rates

COLUMNS = ["case", "verified", "samples", "pool", "confidence", "draws", "held", "true_max", "bound", "lowest"]
ROWS = [
    ("add", 0, 512, 0, 0.9, 200, 200, 1.0, 1.2, 1.1),
    ("add", 0, 512, 0, 0.99, 200, 200, 1.0, 1.5, 1.2),
    ("real", 10, 512, 9000, 0.9, 200, 100, 1.0, 1.0, 0.9),
    ("real", 10, 512, 9000, 0.99, 200, 0, 1.0, 0.9, 0.8),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_share_with_its_interval(theme):
    fig = coverage_rates(pd.DataFrame(ROWS, columns=COLUMNS), names={"add": "Adds"}, theme=theme)
    nine, ninety_nine = fig.data
    assert list(nine.x) == [1.0, 0.5]
    assert list(ninety_nine.x) == [1.0, 0.0]
    assert nine.error_x.array[0] == 0
    assert nine.error_x.arrayminus[0] == pytest.approx(1 - 0.025 ** (1 / 200))  # 200 of 200
    assert nine.error_x.array[1] == nine.error_x.arrayminus[1] == 0  # these draws overlap
    assert [label.split("<br>")[0] for label in fig.layout.yaxis.ticktext] == ["Adds", "real"]
    assert len(fig.layout.shapes) == 4
    assert "200 seeded draws of 512 subsets" in caption_of(fig)
    assert "out of 9\u2009000" in caption_of(fig)
