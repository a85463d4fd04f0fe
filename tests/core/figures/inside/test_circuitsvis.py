import re

import numpy as np
import pytest

from core.errors import UserError
from core.figures.inside import circuitsvis

HOSTILE = ("</script><script>top()</script>", "<img src=x onerror=top()>", "\u2028", "&lt;", " a")


def patterns(heads: int = 2, tokens: int = 5) -> np.ndarray:
    return np.random.default_rng(0).random((heads, tokens, tokens))


def test_no_address_but_the_servers_own():
    page = circuitsvis.html(patterns(), HOSTILE, script_url="/app/static/circuitsvis.js")
    assert "://" not in page
    assert re.findall(r'src="([^"]*)"', page) == ["/app/static/circuitsvis.js"]
    assert "default-src 'none'" in page


def test_tokens_cannot_end_the_script():
    page = circuitsvis.html(patterns(), HOSTILE, script_url="s.js")
    assert page.count("</script>") == 2
    assert "<img" not in page
    assert "\u2028" not in page
    assert "\\u003c/script" in page


def test_the_inlined_bundle_cannot_end_the_script_either():
    page = circuitsvis.html(patterns(), ("a",) * 5, script_url=None)
    assert page.count("</script") == 2
    assert "sourceMappingURL" not in page
    assert len(page) > 1_000_000


def test_the_same_input_gives_the_same_page():
    pages = {circuitsvis.html(patterns(), HOSTILE, script_url="s.js") for _ in range(2)}
    assert len(pages) == 1
    other = circuitsvis.html(patterns() * 0.5, HOSTILE, script_url="s.js")
    name = re.compile(r'id="(heads-\w+)"')
    assert name.search(other)[1] != name.search(pages.pop())[1]


@pytest.mark.parametrize(("heads", "tokens"), [(17, 5), (2, 65)])
def test_more_than_a_browser_can_draw_is_refused(heads, tokens):
    with pytest.raises(UserError, match="at most 16 heads of 64 tokens"):
        circuitsvis.html(patterns(heads, tokens), ("a",) * tokens, script_url="s.js")


def test_patterns_must_fit_the_tokens():
    with pytest.raises(UserError, match="do not go with 4 tokens"):
        circuitsvis.html(patterns(2, 5), ("a",) * 4, script_url="s.js")


def test_differences_have_both_signs_and_weights_one():
    weights = circuitsvis.html(patterns(), HOSTILE, script_url="s.js")
    assert '"minValue": 0,' in weights
    assert '"maxValue": 1.0' in weights
    difference = circuitsvis.html(patterns() - 0.5, HOSTILE, script_url="s.js")
    assert re.search(r'"minValue": -0\.\d+', difference)


def test_a_script_address_is_escaped():
    page = circuitsvis.html(patterns(), HOSTILE, script_url='x"><script>top()')
    assert 'src="x&quot;&gt;&lt;script&gt;top()"' in page
