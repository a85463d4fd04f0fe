"""Reports: one file, no network, nothing hostile alive in it, and the store's numbers."""

import base64
import io
import re

import numpy as np
import pandas as pd
import pytest

from core.export.image import browser_path
from core.export.methods import methods_text
from core.export.pdf import printed
from core.export.report import Item, report_document
from core.figures.effects.heatmap import effect_heatmap
from core.patching.results.summary import layer_by_head
from core.runs.store import Store
from tests.make_results import make_result

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


def item(result, **options):
    table = layer_by_head(result, "z")
    return Item("Heads", effect_heatmap(table), "A caption.", table.to_frame(), (result.spec.digest,), **options)


def test_one_file_with_figures_notes_methods_provenance_and_data():
    results = [make_result(), make_result(method="atp-star", seed=1)]
    text = report_document([item(r, note=f"note {i}") for i, r in enumerate(results)], results, title="My report")
    assert text.count("plotly.js v") == 1
    for part in ("<h1>My report</h1>", "note 0", "note 1", "Exact patching replaced", "2403.00745", "A caption."):
        assert part in text
    for result in results:
        assert result.spec.digest in text
    assert not re.search(r'<(script|link|img|iframe)[^>]*(src|href)="', text)


def test_the_numbers_are_those_of_the_store(tmp_path):
    store = Store(tmp_path)
    digest = store.put(make_result())
    text = report_document([item(store.get(digest))], [store.get(digest)], title="t")
    content = re.search(r"data:text/csv;base64,([A-Za-z0-9+/=]+)", text).group(1)
    table = pd.read_csv(io.BytesIO(base64.b64decode(content)))
    np.testing.assert_allclose(table["mean"], layer_by_head(store.get(digest), "z").mean.ravel(), rtol=1e-6)


def test_texts_stay_texts():
    text = report_document([item(make_result(), note=HOSTILE)], [], title=HOSTILE, introduction=HOSTILE)
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") == 4


def test_methods_say_only_what_was_done():
    words = " ".join(methods_text([make_result(direction="denoising", metric="prob")]))
    assert "clean prompt was put into the run on the corrupt prompt" in words
    assert "probability of the answer" in words
    assert "AtP" not in words
    assert methods_text([]) == ()
    words = " ".join(methods_text([make_result(donor="zero")]))
    assert "Zeros were put in place" in words
    assert "corrupt" not in words


@pytest.mark.browser
@pytest.mark.skipif(browser_path() is None, reason="needs a Chrome")
def test_a_pdf_is_printed():
    pdf = printed(report_document([item(make_result())], [make_result()], title="t"))
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 10_000
