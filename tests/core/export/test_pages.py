import json
import re

import pandas as pd
import pytest

from core.errors import UserError
from core.export import image
from core.export.browser import download_row, file_name
from core.export.document import figure_document
from core.figures.effects.heatmap import effect_heatmap
from core.figures.printing import for_print
from core.html import inline_script, script_json
from core.patching.results.summary import layer_by_head, layer_by_position
from tests.make_results import make_pair, make_result

HOSTILE = ("</script><script>x()</script>", "<img src=x onerror=x()>", "&", "\u2028", '"', " end")


def figure():
    result = make_result([make_pair(clean=HOSTILE, corrupt=(*HOSTILE[:-1], " x"))])
    return effect_heatmap(layer_by_position(result, "mlp_out"))


@pytest.mark.parametrize("value", [HOSTILE, {"</script>": ["<!--", "]]>"]}, 'a\u2029"\\', [1.5, None, True]])
def test_script_json_is_json_that_cannot_end_a_script(value):
    text = script_json(value)
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == (list(value) if isinstance(value, tuple) else value)


def test_numbers_that_are_not_json_are_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_json(float("nan"))


def test_an_inlined_library_keeps_its_code():
    assert inline_script('a="</script>"\n//# sourceMappingURL=x\nb') == 'a="<\\/script>"\nb'


class TestDocument:
    def page(self):
        data = pd.DataFrame(
            {"pair": ["<b>x</b>"] * 2, "head": pd.array([1, None], dtype="Int64"), "effect": [0.5, -1.0]}
        )
        return figure_document(
            figure(),
            title="A </title><script>x()</script>",
            caption="N = 1 <i>pair</i>",
            provenance={"spec": {"nodes": ["z", "q"], "model": "<img src=x>"}, "torch": "2.13.0"},
            data=data,
        )

    def test_it_holds_all_it_needs(self):
        page = self.page()
        loaded = re.findall(r"<(?:script|link|img|iframe)[^>]*\s(?:src|href)=", page)
        assert loaded == []
        assert "default-src 'none'" in page
        assert len(page) > 3_000_000, "the drawing library is inside"

    def test_text_is_shown_not_run(self):
        page = self.page()
        own = page[: page.index("<figure>")] + page[page.index("<figcaption>") :]
        for piece in ("<script>x()", "<b>x", "<i>pair", "<img"):
            assert piece not in own
        assert "N = 1 &lt;i&gt;pair&lt;/i&gt;" in own
        drawing = page[page.rindex("Plotly.newPlot") : page.index("<figcaption>")]
        assert "<script>x()" not in drawing
        assert "<img" not in drawing

    def test_provenance_and_data_are_tables(self):
        page = self.page()
        assert "<th>spec · nodes</th><td>z, q</td>" in page
        assert "<td>&lt;b&gt;x&lt;/b&gt;</td><td>1</td><td>0.5</td>" in page
        assert "<td></td><td>-1.0</td>" in page, "a missing head is an empty cell"

    def test_long_data_says_what_is_missing(self):
        page = figure_document(figure(), title="t", caption="c", provenance={}, data=pd.DataFrame({"x": range(2001)}))
        assert "The first 2000 of 2001 rows." in page


class TestDownloadRow:
    def row(self, **settings):
        sizes = (for_print(figure(), columns=n) for n in (1, 2))
        return download_row(*sizes, name="IOI: heads / z", script_url="/app/static/plotly.min.js", **settings)

    def test_it_loads_one_script_from_its_own_server(self):
        page = self.row()
        assert re.findall(r'src="([^"]*)"', page) == ["/app/static/plotly.min.js"]
        assert "://" not in page

    def test_tokens_cannot_end_its_script(self):
        assert self.row().count("</script>") == 2

    def test_both_sizes_are_inside(self):
        found = re.search(r"const figures=(.*),name=(.*?);\n", self.row())
        figures = json.loads(found[1])
        assert {n: f["layout"]["width"] for n, f in figures.items()} == {"1": 322, "2": 662}
        assert json.loads(found[2]) == "IOI-heads-z"

    @pytest.mark.parametrize(
        ("text", "name"), [("../../etc/passwd", "etc-passwd"), ("", "figure"), ("é/ü", "figure"), ("a b", "a-b")]
    )
    def test_file_names_stay_in_their_folder(self, text, name):
        assert file_name(text) == name


class TestImage:
    def test_without_a_chrome_the_way_out_is_named(self, monkeypatch):
        monkeypatch.setattr(image, "chrome", lambda: None)
        with pytest.raises(UserError, match=r"no Chrome.*SVG or PNG from the browser"):
            image.figure_image(for_print(figure()), "pdf")

    def test_a_named_browser_that_does_not_exist_is_not_believed(self, monkeypatch):
        monkeypatch.setenv("BROWSER_PATH", "/nowhere/chrome")
        monkeypatch.setenv("PATH", "")
        image.chrome.cache_clear()
        try:
            assert image.chrome() is None
        finally:
            image.chrome.cache_clear()

    @pytest.mark.browser
    @pytest.mark.skipif(image.chrome() is None, reason="needs kaleido and a Chrome")
    def test_files_are_what_they_say(self):
        fig = for_print(effect_heatmap(layer_by_head(make_result(), "z")))
        svg = image.figure_image(fig, "svg").decode()
        assert f'width="{fig.layout.width}"' in svg
        assert ">Layer</text>" in svg, "text stays text"
        assert image.figure_image(fig, "pdf").startswith(b"%PDF")
        assert image.figure_image(fig, "png").startswith(b"\x89PNG")
