"""The shared part of uploads: a reader's questions asked one after the other, findings told, faulty files held back."""

from streamlit.testing.v1 import AppTest

from tests.ui.conftest import text_of

ROW = "Which?,one,two,three,four,2\n"


def page(text: str) -> None:
    import io

    import streamlit as st

    from core.labs.multiple_choice.questions.questions import read_questions
    from ui.parts.uploads import read_upload

    file = io.BytesIO(text.encode())
    file.name, file.file_id = "mine.csv", "1"
    parsed = read_upload(file, read_questions, key="test")
    st.markdown("nothing yet" if parsed is None else f"right is {parsed.questions.questions[0].answer}")


def opened(text):
    app = AppTest.from_function(page, kwargs={"text": text}).run()
    assert not app.exception
    return app


def words(app) -> str:
    return text_of(app).replace("\\", "")


def press(app):
    app.button[0].click().run()
    assert not app.exception
    return app


def test_columns_then_numbering_are_asked_one_after_the_other():
    app = opened("stem,opa,opb,opc,opd,cop\n" + ROW)
    assert "missing: 'question', 'A', 'B', 'C'" in words(app)
    likely = {box.label: box.value for box in app.selectbox}
    assert likely | {"question": "stem", "A": "opa", "D": "opd", "answer": "cop"} == likely
    press(app)
    assert "may count from 0 or from 1" in words(app)
    assert "nothing yet" in words(app)
    app.radio[0].set_value(1)
    press(app)
    assert "right is 1" in words(app)
    assert not app.radio


def test_a_file_with_our_names_asks_nothing_and_its_warnings_are_told():
    app = opened("question,A,B,C,D,answer,city\n" + ROW.replace(",2\n", ",c,x\n"))
    assert "Columns that are not used: 'city'" in words(app)
    assert "right is 2" in words(app)


def test_every_fault_is_told_and_the_file_held_back():
    app = opened("question,A,B,C,D,answer\n" + ROW.replace(",2\n", ",c\n") + ",one,,three,four,E\n")
    told = words(app)
    for fault in ("The question is missing", "The option B is missing", "The answer 'E' names no option"):
        assert f"**row 2** · {fault}" in told
    assert "nothing yet" in told
