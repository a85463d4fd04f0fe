"""The circuit's drawing: what it shows, hides, groups and pins, how fast; the curve and the readouts' figures."""

import numpy as np
import pandas as pd
import pytest

from core.circuits.circuit import Circuit, Edge, take
from core.circuits.drawing import drawing, node_names
from core.circuits.graph import Graph, Reader, Writer
from core.figures.captions import caption_of
from core.figures.circuit.curve import curve_figure
from core.figures.circuit.drawing import circuit_figure
from core.figures.inside.readouts import direct_heads, token_grid, unit_bars
from core.figures.printing import for_print

GRAPH = Graph(4, 4, 2)
ABOUT = {"method": "eap-qk", "metric": "logit_diff", "direction": "noising", "pairs": 3}


def small(**words):
    edges = (
        Edge(1, Writer("embed", -1), Reader("mlp", 0), -2.0),
        Edge(1, Writer("mlp", 0), Reader("v", 2, 1), 1.0),
        Edge(3, Writer("head", 2, 2), Reader("logits", 4), 0.5),
        Edge(3, Writer("head", 2, 3), Reader("logits", 4), -0.25),
    )
    return Circuit(GRAPH, "position", edges, 900, 6, (" <b>", " b", " c", " d"), ABOUT).with_words(**words)


def large(count, length=12, seed=0):
    graph, rng = Graph(30, 9, 3), np.random.default_rng(seed)
    possible = graph.possible(2, length)
    values = rng.standard_normal(possible.shape) ** 3 * possible
    return take(
        graph, values, possible, count, tokens=tuple(f" t{i}" for i in range(length)), pruned=False, about=ABOUT
    )


def test_keys_and_values_stand_where_they_are_read_and_are_linked_to_their_heads():
    drawn = drawing(small())
    nodes = {node.key: node for node in drawn.nodes}
    assert set(drawn.links) == {("L2 K/V 1@1", "L2 H2@3"), ("L2 K/V 1@1", "L2 H3@3")}
    assert nodes["L2 H2@3"].x < nodes["L2 H3@3"].x
    assert nodes["L0 MLP@1"].x < nodes["L2 H2@3"].x
    assert nodes["L0 MLP@1"].y == 0
    assert nodes["L0 MLP@1"].strength == 3
    assert (drawn.shown, drawn.total, drawn.columns) == (4, 900, (1, 2, 3))


def test_hidden_nodes_take_their_edges_with_them():
    drawn = drawing(small(hidden=("L2 H3",)))
    assert drawn.shown == 3
    assert "L2 H3@3" not in {node.key for node in drawn.nodes}
    assert drawing(small(hidden=("L2 H2", "L2 H3"))).shown == 1  # the value feeds only hidden heads


def test_a_closed_group_is_one_node_and_its_edges_are_added():
    grouped = small(groups={"L2 H2": "movers", "L2 H3": "movers"})
    assert {node.group for node in drawing(grouped).nodes} == {"", "movers"}
    closed = drawing(grouped.with_words(closed=("movers",)))
    names = {node.key for node in closed.nodes}
    assert "group movers" in names
    assert "L2 H2@3" not in names
    (line,) = [edge for edge in closed.edges if edge.target == "logits@3"]
    assert line.score == pytest.approx(0.25)
    assert closed.shown == 4


def test_a_pinned_node_stays_where_it_was_put():
    nodes = {node.key: node for node in drawing(small(pins={"L0 MLP@1": (7.5, 1.5)})).nodes}
    assert (nodes["L0 MLP@1"].x, nodes["L0 MLP@1"].y) == (7.5, 1.5)


def test_the_figure_says_how_much_it_shows_and_shows_texts_to_the_letter():
    circuit = small(names={"L2 H2": "<i>mover</i>"})
    fig = circuit_figure(circuit, selected="L2 H2@3", notes=("Faithfulness 0.5.",))
    caption = caption_of(fig)
    assert caption.startswith("Showing 4 of 900 edges")
    assert "EAP + QK fix" in caption
    assert "N = 3 pairs" in caption
    assert "2 of the first 6 edges lie on no path" in caption
    assert caption.endswith("Faithfulness 0.5.")
    assert "<i>" not in fig.to_json()
    assert "<b> " not in "".join(map(str, fig.layout.xaxis.ticktext))
    assert for_print(fig).layout.width == 322


def test_three_hundred_edges_are_drawn_in_few_traces():
    circuit = large(300)
    fig = circuit_figure(circuit)
    assert len(fig.data) < 60
    assert fig.layout.height <= 1100


def test_an_empty_circuit_is_an_empty_drawing():
    fig = circuit_figure(Circuit(GRAPH, "summed", (), 10, 5))
    assert "Showing 0 of 10 edges" in caption_of(fig)


def test_without_positions_heads_stand_by_number():
    graph = Graph(2, 4, 2)
    edges = (
        Edge(None, Writer("embed", -1), Reader("k", 0, 1), 1.0),
        Edge(None, Writer("head", 0, 3), Reader("logits", 2), 1.0),
    )
    drawn = drawing(Circuit(graph, "summed", edges, 50, 2))
    assert [(edge.source, edge.target) for edge in drawn.edges][0] == ("embedding", "L0 H3")  # noqa: RUF015
    assert {node.key: node.x for node in drawn.nodes}["L0 H3"] == 3
    assert node_names(Circuit(graph, "summed", edges, 50, 2)) == ("embedding", "L0 H3")


def test_the_curve_has_every_method_and_the_circuit_on_screen():
    rows = [
        {"method": method, "span": "summed", "seed": seed, "share": share, "edges": int(share * 1000), "on_paths": 1}
        | {"faithfulness": share, "low": share - 0.1, "high": share + 0.1, "completeness": share}
        for method, seeds in (("eap", 1), ("eap-ig-qk", 1), ("random", 2))
        for seed in range(seeds)
        for share in (0.01, 0.1, 1.0)
    ]
    options = {"n_all": 1000, "n_pairs": 4, "gap": 2.0, "metric": "logit_diff", "here": (50, 0.4)}
    fig = curve_figure(pd.DataFrame(rows), "summed", **options)
    assert {"EAP", "EAP-IG + QK fix", "Random", "on screen"} <= {trace.name for trace in fig.data}
    assert "N = 4 pairs" in caption_of(fig)
    assert "mean of 2 orders" in caption_of(fig)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_readouts_are_drawn_with_their_sum(theme):
    heads, mlps = np.arange(8.0).reshape(2, 4) - 3, np.array([1.0, -2.0])
    rest = {"embedding": 0.5, "biases": 0.0}
    fig = direct_heads(
        heads, mlps, run="clean", where="last token", n_pairs=2, rest=rest, total=3.5, theme=theme, selected=(1, -1)
    )
    assert "All parts sum to 3.50" in caption_of(fig)
    assert [1, -1] in [list(place) for place in fig.data[1].customdata]
    assert fig.layout.shapes[0].x0 == 4.5
    texts = np.array([["<b>", "x"]] * 3, dtype=object)
    grid = token_grid(
        np.zeros((3, 2)) + 1, (" a", "<i>"), rows=("0", "1", "2"), row_title="Layer", unit="Logits", caption="c.",
        texts=texts, hovers=texts, theme=theme,
    )  # fmt: skip
    assert "<b>" not in str(grid.data[0].text)
    assert caption_of(grid).startswith("c. Colours from")
    bars = unit_bars(np.array([1.0, -3.0]), ["N0", "N1"], unit="Logits", caption="b", theme=theme)
    assert list(bars.data[0].y) == ["N0", "N1"]
