"""The Report page: figures come from other pages, get notes, move, and leave as one file."""

from core.export.report import Item
from core.figures.effects.heatmap import effect_heatmap
from core.patching.results.summary import layer_by_head
from tests.make_results import make_result
from tests.ui.conftest import text_of
from ui.parts import collected as report
from ui.shell import store

HOSTILE = "</script><script>alert(1)</script> ![x](http://example.com/x.png)"


def item(title: str) -> Item:
    result = make_result()
    table = layer_by_head(result, "z")
    return Item(title, effect_heatmap(table), HOSTILE, table.to_frame(), (result.spec.digest,))


def with_items(open_page, *titles):
    store.save_result(make_result())
    app = open_page("report")
    app.session_state["_report"] = tuple(map(item, titles))
    return app.run()


def button(app, key):
    return next(button for button in app.button if button.key == key)


def test_an_empty_report_says_where_figures_come_from(open_page):
    assert "Nothing is collected yet" in text_of(open_page("report"))


def test_figures_get_titles_and_notes_move_and_leave(open_page):
    app = with_items(open_page, "first", "second", "third")
    assert len(app.get("plotly_chart")) == 3
    app.text_area(key="report_note_1").set_value("what one sees").run()
    button(app, "report_up_1").click().run()
    app.run()
    assert [entry.title for entry in app.session_state["_report"]] == ["second", "first", "third"]
    assert app.text_area(key="report_note_0").value == "what one sees"
    button(app, "report_remove_2").click().run()
    assert len(app.get("plotly_chart")) == 2
    assert not app.exception
    assert HOSTILE not in text_of(app)


def test_a_figure_is_collected_from_its_export_row(open_page, monkeypatch):
    kept: dict = {}
    monkeypatch.setattr(report.st, "session_state", kept)
    for _ in range(report.MOST_ITEMS + 3):
        report.collect(lambda: item("a figure"))
    assert len(report.items()) == report.MOST_ITEMS
    assert report.full()
