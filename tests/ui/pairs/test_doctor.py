"""Check these pairs: findings on the page, repairs with undo, and what the model says when it is asked."""

from core.prompts.parse import pairs_to_csv
from tests.ui.conftest import PAIRS, settle, text_of
from tests.ui.pairs.test_page import GOOD, HEADER, upload, words

SPACE = GOOD.replace('it to"', 'it to "')
SHORT = '"the cat sat","the cat"," is"," are"\n'


def found(app) -> str:
    """The findings on show, as text."""
    return "\n".join(table.value.to_string() for table in app.table).replace("\\", "").replace("\xa0", " ")


def press(app, label: str):
    next(button for button in app.button if button.label.startswith(label)).click().run()
    assert not app.exception
    return app


def test_sound_pairs_have_nothing_to_say(open_page):
    app = upload(open_page, pairs_to_csv(PAIRS))
    assert "Nothing to say of their texts and tokens." in words(app)
    assert not app.table


def test_findings_are_grouped_by_check_with_their_rows(open_page):
    app = upload(open_page, HEADER + GOOD + SPACE + SHORT + "only,two\n")
    text = words(app)
    for title, badge in (("What reading", "1 error"), ("Spaces", "1 warning"), ("Rows that", "1 error")):
        assert f"**{title}" in text
        assert f"-badge[{badge}]" in text
    assert "row 2" in found(app)
    assert "end in a space" in found(app)
    assert "row 4" in found(app)


def test_a_repair_changes_the_pairs_and_can_be_undone(open_page):
    app = upload(open_page, HEADER + GOOD + SPACE + SHORT)
    press(app, "Move the spaces (1 row)")
    assert "end in a space" not in found(app)
    press(app, "Leave out (1 row)")  # of the rows that cannot be run
    assert "3 tokens" not in found(app)
    assert "**2 pairs** ready" in words(app)
    press(app, "Leave out (1 row)")  # of the duplicates
    assert "**1 pair** ready" in words(app)
    press(app, "Undo: Leave out")
    press(app, "Undo: Leave out")
    assert "**2 pairs** ready" in words(app)
    assert "1 row refused" in words(app)
    press(app, "Undo: Move the spaces")
    assert "end in a space" in found(app)
    assert not [button for button in app.button if button.label.startswith("Undo")]


def test_a_repaired_bundled_set_stays_repaired(open_page):
    app = open_page("pairs", set="Capital cities")
    before = text_of(app)
    labels = [button.label for button in app.button if button.key and button.key.startswith("repair_")]
    assert labels  # the tiny tokenizer does not know the words of a real set
    assert "Leave out (40 rows)" in labels
    assert "refused" in before


def test_the_model_is_asked_in_the_queue(open_page):
    app = upload(open_page, pairs_to_csv(PAIRS))
    settle(press(app, "Ask the model too"))
    text = words(app)
    assert "of 2 pairs** right" in text
    assert not [button for button in app.button if button.label == "Ask the model too"]
    if "Leave out" in " ".join(button.label for button in app.button):
        assert "row" in found(app)
