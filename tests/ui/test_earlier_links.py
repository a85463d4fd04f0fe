"""Links of an earlier version lead to the same run, and the page says the same numbers."""

import json
import shutil

import pytest

from core.paths import ROOT
from tests.ui.conftest import text_of

EARLIER = ROOT / "tests" / "data" / "earlier"
RUNS = "d9b0d3568aa85845,63094c535d63fda6,3a13f46cd3653c53"

# Page, query, and words that the earlier version showed there.
LINKS = (
    ("attribution", {"result": RUNS}, "lowers the logit difference by 43.5, of a gap of 122"),
    ("attribution", {"result": "d9b0d3568aa85845"}, "lowers the logit difference by 37.0 (estimated), of a gap of 122"),
    ("circuit", {"run": "c50f59ed1e0ac269"}, "Showing **47** of 47 edges."),
    ("circuit", {"run": "ioi_abba"}, "**Faithfulness 0.460** (0.381 to 0.546)"),
    ("grokking", {"run": "7f7908b40e99c2e8"}, "Step 3: accuracy on training pairs 2.8%, on unseen pairs 1.6%."),
    ("grokking", {"run": "ungrok"}, "It passes 50 % at 231 pairs, and goes from 20 to 80 % between 158 and 312"),
    ("knowledge", {"run": "facts"}, "Default: CCS **0.50** / 0.54, PCA **0.50** / 0.54, Logistic regression **0.75**"),
    ("multiple_choice", {"run": "label-binding-words"}, "**1 output node** of 10: L1H2."),
    ("multiple_choice", {"run": "edc5dbd1f8c383a0"}, "**2 output nodes** of 10: L1H2, L1H3."),
    ("trust", {"trust_part": "A study of the methods"}, "The QK fix makes AtP cheaper in 5 of 9."),
)


@pytest.mark.parametrize(("page", "query", "words"), LINKS, ids=lambda value: str(value)[:40])
def test_a_link_shows_what_it_showed(open_page, tmp_path, page, query, words):
    shutil.copytree(EARLIER / "store", tmp_path, dirs_exist_ok=True)
    app = open_page(page, **query)
    assert words in text_of(app).replace("\\", "")
    for name, value in query.items():
        assert app.query_params.get(name) in (value, [value], None) or name == "trust_part"


def test_the_table_of_runs_lists_them_by_their_pages(open_page, tmp_path):
    shutil.copytree(EARLIER / "store", tmp_path, dirs_exist_ok=True)
    table = open_page("runs").dataframe[0].value
    expected = json.loads((EARLIER / "expected.json").read_text())
    assert len(table) == len(expected)
    assert set(table["page"]) == {"Attribution", "Circuit", "Grokking", "Multiple choice"}
    assert "The first one" in set(table["name"])
