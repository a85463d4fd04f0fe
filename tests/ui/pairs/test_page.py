"""The Prompt pairs page: what it refuses, row by row, and what it offers to repair."""

import json

from core.prompts.parse import pairs_to_csv
from tests.ui.conftest import PAIRS, text_of

WAITS = "mine.csv is not in use: 1 row of it cannot be used"
HEADER = "clean,corrupt,answer,distractor\n"
GOOD = '"When Mary and John met, John gave it to","When Mary and John met, Mary gave it to"," Mary"," John"\n'


def upload(open_page, text: str, name: str = "mine.csv"):
    app = open_page("pairs", pairs_from="A file")
    app.file_uploader(key="pairs_file").upload(name, text.encode())
    app.run()
    assert not app.exception
    return app


def words(app) -> str:
    return text_of(app).replace("\\", "")


def undo(app):
    return next((button for button in app.button if button.label.startswith("Undo")), None)


def use(app):
    return next(button for button in app.button if button.label.startswith("Use "))


def test_a_sound_file_becomes_the_set_in_use(open_page):
    app = upload(open_page, pairs_to_csv(PAIRS))
    assert "**2 pairs** ready" in words(app)
    assert app.query_params["pairs"] == PAIRS.digest
    assert "In use: **mine**, 2 pairs" in words(app)
    assert use(app).label == "Use these 2 pairs"
    assert use(app).disabled
    again = open_page("pairs", pairs=PAIRS.digest)
    assert "2 pairs" in words(again)


def test_a_broken_row_is_named_and_the_others_stay(open_page):
    app = upload(open_page, HEADER + GOOD + "only,two\n" + GOOD)
    assert "**row 2** · The row has 2 values for 4 columns." in words(app)
    assert "**2 pairs** ready" in words(app)
    assert "1 × The row has … values for … columns" in words(app)
    assert use(app).label == "Use these 2 pairs, leave out 1 row"
    assert WAITS in words(app)
    assert WAITS in words(app.switch_page("pages/attention.py").run())
    app.switch_page("pages/pairs.py").run()
    assert "**row 2** · The row has 2 values" in words(app)  # the file is still there
    use(app).click().run()
    assert WAITS not in words(app)
    assert "In use: **mine**, 2 pairs" in words(app)


def test_an_upload_can_be_undone(open_page):
    app = open_page("pairs", pairs_from="A file")
    before = app.session_state["_pairs"].digest
    app.file_uploader(key="pairs_file").upload("mine.csv", pairs_to_csv(PAIRS).encode())
    app.run()
    assert app.session_state["_pairs"].digest == PAIRS.digest
    undo(app).click().run()
    assert app.session_state["_pairs"].digest == before
    assert app.query_params["pairs"] == "ioi_abba"
    assert undo(app) is None


def test_other_names_of_columns_are_confirmed_once(open_page):
    text = HEADER.replace("corrupt,answer", "corrupted,correct") + GOOD
    app = upload(open_page, text)
    assert "missing: 'corrupt', 'answer'" in words(app)
    assert "mine.csv is not in use: a question about it is open" in words(app)
    boxes = {box.label: box.value for box in app.selectbox if box.label in ("clean", "corrupt", "answer", "name")}
    assert boxes == {"clean": "clean", "corrupt": "corrupted", "answer": "correct", "name": "—"}
    next(button for button in app.button if button.label == "Read it so").click().run()
    assert "In use: **mine**, 1 pair" in words(app)
    assert WAITS not in words(app)


def test_a_file_that_waits_can_be_discarded(open_page):
    app = upload(open_page, HEADER + GOOD + "only,two\n")
    assert WAITS in words(app)
    next(button for button in app.button if button.label.startswith("Discard")).click().run()
    assert WAITS not in words(app)
    assert "2 values for 4 columns" not in words(app)


def test_a_wrong_guess_is_mended_in_the_form(open_page):
    app = upload(open_page, "clean,corrupted,correct,wrong,other\n" + GOOD.replace('" John"', '" Tom"," John"'))
    next(box for box in app.selectbox if box.label == "distractor").set_value("other")
    next(button for button in app.button if button.label == "Read it so").click().run()
    assert app.session_state["_pairs"].pairs[0].distractor == " John"


def test_the_kind_of_counterfactual_is_chosen(open_page):
    other = {"prompt": "When Mary and John met, Mary gave it to", "choices": ["Mary", "John"], "answerKey": 1}
    record = {"prompt": "When Mary and John met, John gave it to", "choices": ["Mary", "John"], "answerKey": 0}
    app = upload(open_page, json.dumps(record | {"abc": {**other, "prompt": "x"}, "flip": other}), "mib.jsonl")
    next(radio for radio in app.radio if radio.label == "Which?").set_value("flip")
    next(button for button in app.button if button.label == "Read it so").click().run()
    (pair,) = app.session_state["_pairs"].pairs
    assert (pair.corrupt, pair.answer, pair.distractor) == (other["prompt"], " Mary", " John")


def test_sets_of_answers_stand_in_the_table_as_cells(open_page):
    row = {**PAIRS.pairs[0].to_json(), "answer": [" Mary", " Anna"]}
    app = upload(open_page, json.dumps([row]), "sets.json")
    assert app.session_state["_draft"].parsed.pairs.pairs[0].answer == (" Mary", " Anna")
    assert "1 pair as a table" in " ".join(box.label for box in app.expander)


def test_unequal_lengths_are_refused_with_both_shown(open_page):
    app = upload(open_page, HEADER + '"the cat sat","the cat","is","are"\n')
    assert "**row 1** · The clean prompt has 3 tokens, the corrupt one 2" in words(app)
    assert use(app).disabled
    strips = " ".join(block.value for block in app.html)
    assert "·sat" in strips
    assert strips.count("·cat") == 2


def test_a_trailing_space_is_warned_of_and_trimmed_on_request(open_page):
    row = GOOD.replace('to"', 'to "')
    app = upload(open_page, HEADER + row)
    assert "**row 1** · Both prompts end in a space" in words(app)
    app.toggle(key="trim").set_value(True).run()
    assert "it was trimmed" in words(app)
    use(app).click().run()
    kept = app.session_state["_pairs"].pairs[0]
    assert not kept.clean.endswith(" ")
    assert not kept.corrupt.endswith(" ")


def test_a_longer_answer_may_stand_for_its_first_token(open_page):
    app = upload(open_page, HEADER + GOOD.replace('" Mary"', '" Mary and"'))
    assert "is 2 tokens" in words(app)
    assert use(app).disabled
    app.toggle(key="first_token").set_value(True).run()
    use(app).click().run()
    assert app.session_state["_pairs"].pairs[0].answer == " Mary"


def test_a_longer_answer_may_be_kept_whole_for_the_metric_that_reads_it(open_page):
    app = upload(open_page, HEADER + GOOD.replace('" Mary"', '" Mary and Tom"'))
    app.toggle(key="whole_answer").set_value(True).run()
    strips = " ".join(block.value for block in app.html)
    assert all(f">{token}</span>" in strips for token in ("·Mary", "·and", "·Tom"))
    use(app).click().run()
    assert app.session_state["_pairs"].pairs[0].answer == " Mary and Tom"
    form = open_page("attribution", pairs=app.query_params["pairs"])
    metric = form.selectbox(key="run_metric")
    assert metric.options == ["Log-probability of the whole answer"]
    assert metric.value == "answer_log_prob"


def test_files_that_are_no_pairs_are_refused(open_page):
    for text, name, reason in [
        ("a,b\n1,2\n", "x.csv", "Columns that are"),
        ("", "x.csv", "The file is empty"),
        ("not json\n", "x.jsonl", "not sound JSON"),
    ]:
        assert reason in words(upload(open_page, text, name))


def test_groups_by_length_are_explained(open_page):
    app = upload(open_page, HEADER + GOOD + '"the cat sat","the dog sat"," is"," are"\n')
    assert "1 pair of 3 tokens, 1 pair of 10 tokens" in words(app)


def test_a_bundled_set_can_be_chosen_by_a_link(open_page):
    app = open_page("pairs", set="Capital cities")
    assert app.selectbox(key="set").value == "capitals"


def test_rows_added_in_the_table_are_read(open_page):
    app = open_page("pairs", pairs_from="A table")
    empty = next(button for button in app.button if button.label == "Empty table")
    empty.click().run()
    assert "**row 1** · The clean is missing." in words(app)
    key = next(k for k in app.session_state.to_dict() if k.startswith("draft_"))
    pair = PAIRS.pairs[0]
    row = {"clean": pair.clean, "corrupt": pair.corrupt, "answer": pair.answer, "distractor": pair.distractor}
    app.session_state[key] = {"edited_rows": {0: row}, "added_rows": [], "deleted_rows": []}
    app.run()
    assert "**1 pair** ready" in words(app)
