"""Check these pairs: findings on the page, repairs with undo, and what the model says when it is asked."""

from dataclasses import replace

from core.prompts.align import align
from core.prompts.pairs import PairSet
from core.prompts.parse import pairs_to_csv
from core.prompts.solving import logit_differences
from tests.ui.conftest import PAIRS, settle
from tests.ui.pairs.test_page import GOOD, HEADER, upload, words
from ui.shell.models import ModelChoice, slot

SPACE = GOOD.replace('it to"', 'it to "')
SHORT = '"the cat sat","the cat"," is"," are"\n'


def found(app) -> str:
    """The findings on show, as text."""
    return "\n".join(table.value.to_string() for table in app.table).replace("\\", "").replace("\xa0", " ")


def tokens_of(model):
    return align(PAIRS, model.tokenizer).or_raise()


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


def test_not_every_pair_can_be_left_out(open_page):
    app = open_page("pairs", set="Capital cities")
    assert "no token for" in found(app)  # the tiny tokenizer does not know the words of a real set
    assert not [button for button in app.button if button.label.startswith("Leave out")]


def test_a_repair_stays_where_the_pairs_came_from_a_bundled_set(open_page):
    app = open_page("pairs")
    draft = app.session_state["_draft"]
    spaced = tuple(replace(pair, clean=pair.clean + " ", corrupt=pair.corrupt + " ") for pair in PAIRS)
    edited = replace(draft.parsed, pairs=PairSet("edited", spaced), rows=(0, 1))
    app.session_state["_draft"] = replace(draft, parsed=edited)
    app.run()
    press(app, "Move the spaces (2 rows)")
    assert app.session_state["_draft"].parsed.pairs.pairs == PAIRS.pairs
    assert app.session_state["_draft"].bundled_id == draft.bundled_id


def test_the_model_is_asked_in_the_queue(open_page):
    app = upload(open_page, pairs_to_csv(PAIRS))
    settle(press(app, "Ask the model too"))
    model = slot().get(ModelChoice())
    right = sum(clean > 0 > corrupt for clean, corrupt in logit_differences(tokens_of(model), model.hf).values())
    assert f"{right} of 2 pairs** right" in words(app)
    assert ("**Pairs that the model gets wrong**" in words(app)) == (right < 2)
    assert not [button for button in app.button if button.label == "Ask the model too"]
