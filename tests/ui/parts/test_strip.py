"""Pairs that the present model cannot run are said, with the reason, on the pages that leave them out."""

from core.prompts.pairs import PairSet, PromptPair
from tests.ui.conftest import PAIRS, text_of
from ui.shell import store


def test_what_is_left_out_is_said_with_its_reason_and_can_be_taken_away(open_page):
    longer = PromptPair("the cat sat", "the cat", " is", " are")
    digest = store.save_pairs(PairSet("mixed", (*PAIRS.pairs, longer, longer)))
    app = open_page("attention", pairs=digest)
    told = text_of(app).replace("\\", "")
    assert (
        "2 pairs of this set cannot be run with this model and are left out: 2 × The clean prompt has … tokens" in told
    )
    assert "skipped.csv" in {button.label for button in app.get("download_button")}
