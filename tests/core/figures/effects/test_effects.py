import json
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from core.errors import SpecError
from core.figures import style
from core.figures.captions import caption_of
from core.figures.effects.bars import pair_points, position_profile, ranked_nodes
from core.figures.effects.heatmap import effect_heatmap, shared_range
from core.figures.effects.panels import method_panels
from core.figures.effects.scatter import effect_scatter
from core.figures.inside.attention import head_attention
from core.patching.place import Node
from core.patching.results.compare import compare
from core.patching.results.ranking import by_pair, by_position, ranking
from core.patching.results.summary import layer_by_head, layer_by_position
from tests.make_results import CLEAN, CORRUPT, make_pair, make_result, with_effects

HOSTILE = ("<b>bold</b>", "</script><script>x()</script>", '<a href="javascript:x()">', "$x^2$", "%{x}", " end")


def rng():
    return np.random.default_rng(0)


def luminance(colour: str) -> float:
    r, g, b = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.2126 * r**2.2 + 0.7152 * g**2.2 + 0.0722 * b**2.2


class TestStyle:
    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_scales_change_lightness_steadily_from_the_neutral(self, theme):
        way = -1 if theme == "light" else 1
        left = [way * luminance(c) for c in style.DIVERGING[theme][4::-1]]
        right = [way * luminance(c) for c in style.DIVERGING[theme][4:]]
        sequential = [way * luminance(c) for c in style.SEQUENTIAL[theme]]
        for arm in (left, right, sequential):
            assert arm == sorted(arm)

    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_every_method_has_its_own_colour_dash_and_marker(self, theme):
        for table in (style.PALETTE[theme], style.DASHES, style.MARKERS):
            assert table.keys() == style.NAMES.keys()
            assert len(set(table.values())) == len(table) <= 8

    def test_negative_is_blue_and_positive_red(self):
        for colours in style.DIVERGING.values():
            low, high = colours[2], colours[6]
            assert int(low[5:], 16) > int(low[1:3], 16)
            assert int(high[1:3], 16) > int(high[5:], 16)


class TestHeatmap:
    def test_layer_0_is_at_the_top_by_head_and_at_the_bottom_by_position(self):
        result = make_result()
        by_head, by_position = (
            effect_heatmap(f(result, "z")).layout.yaxis.range for f in (layer_by_head, layer_by_position)
        )
        assert by_head == (2.5, -0.5)
        assert by_position == (-0.5, 2.5)

    def test_cells_hold_the_table(self):
        table = layer_by_head(make_result(), "z")
        np.testing.assert_array_equal(np.array(effect_heatmap(table).data[0].z), table.mean)

    def test_signed_ranges_are_symmetric_and_scores_start_at_0(self):
        signed = effect_heatmap(layer_by_head(make_result(), "z")).data[0]
        assert signed.zmin == -signed.zmax < 0
        score = effect_heatmap(layer_by_head(make_result(method="atp-star"), "z"), zmax=7.0).data[0]
        assert (score.zmin, score.zmax) == (0, 7.0)
        absolute = effect_heatmap(layer_by_head(make_result(), "z", scale="absolute")).data[0]
        assert absolute.zmin == 0
        assert signed.colorscale != absolute.colorscale

    def test_a_shared_range_holds_every_table(self):
        small = layer_by_head(with_effects(make_result(), z=np.full((3, 6, 4), 0.5)), "z")
        large = layer_by_head(with_effects(make_result(), z=np.full((3, 6, 4), -8.0)), "z")
        assert shared_range(small, large) == 8.0
        nothing = layer_by_head(with_effects(make_result(), z=np.zeros((3, 6, 4))), "z")
        assert shared_range(nothing) == 1.0

    def test_every_cell_can_be_clicked_and_names_its_node(self):
        result = make_result()
        head = effect_heatmap(layer_by_head(result, "z", position=5)).data[1]
        assert [Node(*c) for c in head.customdata] == [Node("z", layer, h, 5) for layer in range(3) for h in range(4)]
        assert all(type(c) is list for c in head.customdata), "numpy rows reach Streamlit as dictionaries"
        assert [(x, y) for x, y in zip(head.x, head.y)] == [(h, layer) for layer in range(3) for h in range(4)]
        whole = effect_heatmap(layer_by_position(result, "mlp_out")).data[1]
        assert Node(*whole.customdata[7]) == Node("mlp_out", 1, None, 1)

    def test_click_targets_do_not_overlap(self):
        fig = effect_heatmap(layer_by_head(make_result(), "z"))
        inner = fig.layout.height - fig.layout.margin.t - fig.layout.margin.b
        assert fig.data[1].marker.size <= inner / 3

    def test_hover_says_place_value_and_spread(self):
        result = with_effects(make_result(), z=[np.full((3, 6, 4), v) for v in (-1.0, -2.0, -3.0)])
        text = effect_heatmap(layer_by_head(result, "z", position=5)).data[1].text[0]
        assert text.startswith(
            "<b>layer 0, head 0, at ' Mary'</b> (position 5)<br>−2.00 ± 0.577 (standard error), change of"
        )

    def test_repeated_tokens_keep_their_ticks_and_the_first_difference_is_marked(self):
        fig = effect_heatmap(layer_by_position(make_result(), "mlp_out"))
        assert list(fig.layout.xaxis.tickvals) == list(range(6))
        assert list(fig.layout.xaxis.ticktext) == ["When", "·Mary", "·and", "·John", "·and", "·Mary"]
        assert [shape.x0 for shape in fig.layout.shapes] == [4.5]

    def test_the_selected_cell_is_outlined_where_it_is_shown(self):
        result = make_result()
        table = layer_by_head(result, "z")
        box = effect_heatmap(table, selected=Node("z", 2, 3, 1)).layout.shapes[0]
        assert (box.x0, box.x1, box.y0, box.y1) == (2.5, 3.5, 1.5, 2.5)
        for elsewhere in (Node("q", 2, 3), Node("z", 9, 3), Node("z", 2, 30)):
            assert not effect_heatmap(table, selected=elsewhere).layout.shapes
        one_head = layer_by_position(result, "z", unit=1)
        assert len(effect_heatmap(one_head, selected=Node("z", 2, 3, 1)).layout.shapes) == 1, "only the reference line"

    def test_a_long_prompt_is_shortened_and_says_so(self):
        words = tuple(f" w{i}" for i in range(100))
        result = make_result([make_pair(clean=words, corrupt=(*words[:-1], " x"))])
        fig = effect_heatmap(
            layer_by_position(result, "mlp_out"), most_positions=10, selected=Node("mlp_out", 0, None, 99)
        )
        assert np.array(fig.data[0].z).shape == (3, 11)
        assert np.isnan(np.array(fig.data[0].z, dtype=float)[:, 5]).all()
        assert "90 tokens in the middle are not shown." in caption_of(fig)
        assert Node(*fig.data[1].customdata[9]).position == 99
        assert fig.layout.shapes[-1].x0 == 9.5
        assert len(fig.layout.xaxis.ticktext) == 11

    def test_captions_count_the_answers_of_a_set(self):
        pair = make_pair(0)
        tokens = replace(pair.tokens, answer_id=(3, 5, 6), answer=("a", "b", "c"))
        result = make_result([replace(pair, tokens=tokens)])
        text = caption_of(effect_heatmap(layer_by_head(result, "z")))
        assert "Change of the logit difference (mean of 3 answers against mean of 1 distractor), noising" in text

    def test_captions_say_what_was_done(self):
        pairs = [make_pair(0), make_pair(1, clean_metric=1e-6, corrupt_metric=0.0)]
        text = caption_of(effect_heatmap(layer_by_head(make_result(pairs), "z", scale="fraction"), zmax=2.5))
        assert text == (
            "Fraction of the clean–corrupt gap, noising (the corrupt activation is put into the clean run), "
            "exact patching, N = 1 pair (1 left out: gap too small), colours from −2.50 to 2.50. "
            "Each cell shows its strongest position."
        )
        denoising = caption_of(effect_heatmap(layer_by_head(make_result(direction="denoising", method="atp"), "z")))
        assert "denoising (the clean activation is put into the corrupt run), AtP estimate, N = 3 pairs" in denoising

    def test_captions_name_the_donor(self):
        fig = effect_heatmap(layer_by_position(make_result(donor="zero"), "mlp_out"))
        assert "noising (zeros are put into the clean run)" in caption_of(fig)
        assert layer_by_position(make_result(donor="mean"), "mlp_out").first_difference is None  # none to mark

    def test_cells_not_computed_are_shown_as_such(self):
        result = make_result()
        for x in result.effects["z"]:
            x[1] = np.nan
        fig = effect_heatmap(layer_by_head(result, "z"), theme="dark")
        assert fig.layout.plot_bgcolor == style.MISSING["dark"]
        assert fig.data[1].text[4].endswith("not computed")


class TestHostileTokens:
    def result(self, **spec):
        return make_result(
            [make_pair(clean=HOSTILE, corrupt=(*HOSTILE[:-1], "<i>"), name="<b>pair</b>")], kinds=("z",), **spec
        )

    def figures(self):
        result = self.result()
        node = Node("z", 1, 2, 5)
        yield effect_heatmap(layer_by_position(result, "z"), title="<b>title</b>")
        yield effect_heatmap(layer_by_head(result, "z"))
        yield pair_points({"exact": by_pair(result, node)}, spec=result.spec, node=node, title="<b>")
        yield position_profile({"exact": by_position(result, node, rng=rng())}, spec=result.spec, node=node)
        yield ranked_nodes(ranking(result, ("z",), rng=rng()), spec=result.spec)
        yield effect_scatter(compare(self.result(method="atp"), result, kinds=("z",), top=(2,)))
        yield head_attention(np.eye(6), HOSTILE, layer=0, head=0)

    def test_no_markup_of_a_token_reaches_a_label(self):
        for fig in self.figures():
            text = json.dumps(fig.to_plotly_json(), default=list)
            for piece in ("<b>bold", "<script", "<a href", "$x^2$", "<i>", "<b>pair", "<b>title"):
                assert piece not in text
            assert "%{x}" not in text


class TestOtherFigures:
    def test_scatter_draws_nodes_the_diagonal_and_what_was_missed(self):
        truth = np.zeros((3, 6, 4))
        truth[:, 5] = -(np.arange(12).reshape(3, 4) + 1.0)
        guess = truth.copy()
        guess[2, 5, 3] = 0.001
        pairs = [make_pair(0), make_pair(1)]
        exact = with_effects(make_result(pairs, kinds=("z",)), z=truth)
        estimate = with_effects(make_result(pairs, kinds=("z",), method="atp"), z=guess)
        fig = effect_scatter(compare(estimate, exact, kinds=("z",), top=(3,)), selected=Node("z", 0, 0, 5))
        assert sorted(fig.data[0].x) == sorted(truth[truth != 0])
        assert [note.text for note in fig.layout.annotations] == ["L2 H3 ·Mary"]
        diagonal = fig.layout.shapes[0]
        assert (
            (diagonal.x0, diagonal.x1) == (diagonal.y0, diagonal.y1) == fig.layout.xaxis.range == fig.layout.yaxis.range
        )
        assert (fig.data[-1].x, fig.data[-1].y) == ((-1.0,), (-1.0,)), "the selected node is ringed"
        assert "Of the true top 3, 67% are in the estimate's top 3." in caption_of(fig)
        assert fig.data[0].customdata[0] == ["z", 0, 0, 5]

    def test_pair_points_line_up_methods_by_pair(self):
        exact, estimate = make_result(), make_result(method="atp", seed=1)
        node = Node("z", 1, 2, 5)
        tables = {"exact": by_pair(exact, node), "atp": by_pair(estimate, node)}
        fig = pair_points(tables, spec=exact.spec, node=node)
        order = [int(text) for text in fig.layout.yaxis.ticktext]
        np.testing.assert_array_equal(fig.data[0].x, tables["exact"].value.to_numpy()[order])
        np.testing.assert_array_equal(fig.data[1].x, tables["atp"].value.to_numpy()[order])
        assert list(fig.data[0].x) == sorted(fig.data[0].x)
        assert [s.x0 for s in fig.layout.shapes] == [pytest.approx(t.value.mean()) for t in tables.values()]
        assert "Exact and AtP, N = 3 pairs" in caption_of(fig)

    def test_a_profile_carries_its_intervals(self):
        result, node = make_result(), Node("z", 1, 2, 5)
        table = by_position(result, node, rng=rng())
        trace = position_profile({"exact": table}, spec=result.spec, node=node, first_difference=5).data[0]
        np.testing.assert_allclose(trace.y, table["mean"])
        np.testing.assert_allclose(np.array(trace.y) + trace.error_y.array, table.high)
        np.testing.assert_allclose(np.array(trace.y) - trace.error_y.arrayminus, table.low)
        assert trace.error_y.array[5] > 0

    def test_one_pair_has_no_whiskers(self):
        result, node = make_result([make_pair()]), Node("z", 1, 2, 5)
        table = by_position(result, node, rng=rng())
        assert not position_profile({"exact": table}, spec=result.spec, node=node).data[0].error_y.visible

    def test_ranked_nodes_run_from_the_top(self):
        result = make_result()
        table = ranking(result, ("z", "mlp_out"), rng=rng(), top=6)
        fig = ranked_nodes(table, spec=result.spec)
        assert fig.layout.yaxis.range[0] > fig.layout.yaxis.range[1]
        assert list(fig.data[0].x) == table["mean"].tolist()
        assert Node(*fig.data[0].customdata[0]).kind == table.node[0]
        blue, red = style.DIVERGING["light"][2], style.DIVERGING["light"][6]
        assert [c == red for c in fig.data[0].marker.color] == (table["mean"] > 0).tolist()
        assert {*fig.data[0].marker.color} <= {blue, red}

    def test_attention_hides_keys_that_do_not_exist(self):
        pattern = np.full((3, 3), 0.25)
        fig = head_attention(pattern, ("a", " b", "a"), layer=1, head=2)
        z = np.array(fig.data[0].z, dtype=float)
        assert np.isnan(z[np.triu_indices(3, 1)]).all()
        assert (z[np.tril_indices(3)] == 0.25).all()
        assert (fig.data[0].zmin, fig.data[0].zmax) == (0, 1)
        assert [list(c) for c in fig.data[1].customdata] == [[0, 0], [1, 0], [1, 1], [2, 0], [2, 1], [2, 2]]
        assert fig.layout.yaxis.range == (2.5, -0.5)
        difference = head_attention(-pattern, ("a", " b", "a"), layer=1, head=2, shown="difference").data[0]
        assert difference.zmin == -difference.zmax == -0.25
        with pytest.raises(SpecError, match="does not go with 2 tokens"):
            head_attention(pattern, ("a", "b"), layer=0, head=0)

    def test_panels_share_one_range_and_one_bar_a_scale(self):
        tables = {
            m: layer_by_head(make_result(method=m, seed=i), "z") for i, m in enumerate(("exact", "atp", "atp-star"))
        }
        fig = method_panels(tables, selected=Node("z", 1, 1))
        heats = [t for t in fig.data if isinstance(t, go.Heatmap)]
        assert {h.zmax for h in heats} == {shared_range(*tables.values())}
        assert [h.showscale for h in heats] == [False, True, True]
        assert [note.text for note in fig.layout.annotations] == ["Exact", "AtP", "AtP*"]
        assert len(fig.layout.shapes) == 3
        with pytest.raises(SpecError, match="same nodes"):
            method_panels({"exact": tables["exact"], "atp": layer_by_position(make_result(method="atp"), "z")})


def test_tokens_that_vary_are_marked():
    other = make_pair(1, clean=(" Ann", *CLEAN[1:]), corrupt=(" Ann", *CORRUPT[1:]))
    fig = effect_heatmap(layer_by_position(make_result([make_pair(0), other]), "mlp_out"))
    assert fig.layout.xaxis.ticktext[0] == "When†"
    assert "† The token differs between pairs" in caption_of(fig)
    assert "†" not in caption_of(effect_heatmap(layer_by_position(make_result(), "mlp_out")))
