"""Pairs of unequal length on the Prompt pairs page: aligned on request, their links shown and moved."""

import pandas as pd
import pytest

from core.errors import PromptError
from tests.ui.pairs.test_page import GOOD, HEADER, upload, use, words
from ui.pairs.links import SPAN_COLUMNS, read_links

UNEQUAL = (
    '"When Mary and John met, John gave it to","When Mary and the cat John met, Mary gave it to"," Mary"," John"\n'
)
LINKS = {1: ((4, 4, 4, 6), (6, 7, 8, 9))}


def table(*lines):
    return pd.DataFrame(lines, columns=["row", *SPAN_COLUMNS])


def test_unequal_pairs_are_aligned_by_a_press_and_used(open_page):
    app = upload(open_page, HEADER + GOOD + UNEQUAL)
    assert "**1 pair** ready" in words(app)
    assert "have them aligned" in words(app)
    switch = app.toggle(key="pairs_align")
    assert switch.label == "Align the 1 pair of unequal length"
    switch.set_value(True).run()
    assert not app.exception
    assert "**2 pairs** ready" in words(app)
    strips = " ".join(block.value for block in app.html)
    assert "rgba(20,130,200,.26)" in strips  # the second span has a colour of its own
    use(app).click().run()
    first, second = app.session_state["_pairs"].pairs
    assert first.links is None
    assert len(second.links) == 2
    again = open_page("pairs", pairs=app.query_params["pairs"], pairs_from="A table")
    next(button for button in again.button if button.label == "The set in use").click().run()
    assert again.toggle(key="pairs_align").value
    assert "**2 pairs** ready" in words(again)


def test_moved_links_are_read_by_row():
    assert read_links(table([2, 6, 7, 8, 9], [2, 4, 4, 4, 6]), LINKS) == LINKS
    assert read_links(table(), LINKS) == {1: ()}
    for line in ([2, 4, None, 4, 6], [1, 4, 4, 4, 6]):
        with pytest.raises(PromptError, match="not filled in"):
            read_links(table(line), LINKS)
