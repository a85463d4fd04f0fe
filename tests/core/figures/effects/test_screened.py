"""What a screen's figures say of each number: exact or estimated, on the map, in captions and beside a node."""

from dataclasses import replace

import numpy as np

from core.figures.captions import caption_of
from core.figures.effects.bars import position_profile, ranked_nodes
from core.figures.effects.heatmap import effect_heatmap
from core.figures.effects.panels import method_panels
from core.figures.style import MARKERS
from core.patching.nodes import Nodes
from core.patching.place import Node
from core.patching.results.ranking import by_pair, by_position, ranking
from core.patching.results.screened import Screened
from core.patching.results.summary import layer_by_head, layer_by_position
from core.patching.results.told import screen_lines
from core.patching.spec import Screen
from tests.make_results import make_pair, make_result


def screened_result():
    """Two pairs; of the heads, only layer 1, head 2 at the last position is exact."""
    result = make_result([make_pair(0), make_pair(1)], kinds=("z",), method="atp", screen=Screen(1))
    one = Nodes(*(np.array([i]) for i in (3, 1, 5, 2)))
    part = Screened("attention", 6, 1, (0, 1), one, np.zeros((2, 1), np.float32), {0.99: 0.0})
    return replace(result, screened=(part,))


def test_only_cells_that_are_exact_in_every_pair_are_marked():
    result = screened_result()
    at_five, strongest = layer_by_head(result, "z", position=5), layer_by_head(result, "z")
    assert np.argwhere(at_five.exact).tolist() == [[1, 2]]
    assert np.argwhere(strongest.exact).tolist() == [[1, 2]]
    assert np.argwhere(layer_by_position(result, "z", unit=2).exact).tolist() == [[1, 5]]
    fig = effect_heatmap(at_five)
    dots = fig.data[1]
    assert (list(dots.x), list(dots.y)) == ([2], [1])
    hover = dict(zip(zip(fig.data[2].y, fig.data[2].x), fig.data[2].text))
    assert "<br>exact" in hover[1, 2]
    assert "estimated by AtP" in hover[0, 0]
    for drawn in (fig, method_panels({"screen": at_five})):
        assert "• Patched exactly in every pair" in caption_of(drawn)


def test_tables_and_nodes_say_which_they_are():
    result = screened_result()
    table = ranking(result, ("z",), rng=np.random.default_rng(0), top=12)
    assert [(row.layer, row["head"]) for _, row in table[table.source == "exact"].iterrows() if row.position == 5] == [
        (1, 2)
    ]
    assert "Outlined bars are exact" in caption_of(ranked_nodes(table, spec=result.spec))
    node = Node("z", 1, 2)
    profile = by_position(result, node, rng=np.random.default_rng(0))
    assert profile.source.tolist()[5] == "exact"
    symbols = position_profile({"screen": profile}, spec=result.spec, node=node).data[0].marker.symbol
    assert symbols[5] == MARKERS["screen"]
    assert set(by_pair(result, Node("z", 1, 2, 5)).source) == {"exact"}
    assert set(by_pair(result, Node("z", 0, 2, 5)).source) == {"estimate"}


def test_the_bound_is_said_with_its_assumption_and_an_unfinished_run_says_so():
    result = screened_result()
    told = " ".join(screen_lines(result, "AtP"))
    assert "the first 1 of 6 attention nodes (z)," in told
    assert "99 % confidence and if effects add up, so the largest is certain" in told
    part = replace(result, partial="1 of 2 nodes verified so far")
    assert "Not finished: 1 of 2 nodes verified so far." in caption_of(effect_heatmap(layer_by_head(part, "z")))


def test_other_results_are_drawn_as_before():
    result = make_result(method="atp")
    table = layer_by_head(result, "z")
    assert table.exact is None
    assert "source" not in table.to_frame()
    assert len(effect_heatmap(table).data) == 2
