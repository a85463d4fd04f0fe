import pytest

from core.errors import SpecError
from core.figures.effects.bars import pair_points
from core.figures.effects.heatmap import effect_heatmap
from core.figures.printing import for_print, for_reading
from core.patching.place import Node
from core.patching.results.ranking import by_pair
from core.patching.results.summary import layer_by_head, layer_by_position
from tests.make_results import make_result


class TestPrint:
    @pytest.mark.parametrize(("columns", "inches"), [(1, 3.35), (2, 6.9)])
    def test_width_text_and_background(self, columns, inches):
        fig = for_print(effect_heatmap(layer_by_position(make_result(), "mlp_out")), columns=columns)
        assert fig.layout.width / 96 == pytest.approx(inches, abs=0.01)
        sizes = {fig.layout.font.size, fig.layout.xaxis.tickfont.size, fig.layout.yaxis.title.font.size}
        sizes |= {fig.data[0].colorbar.tickfont.size, fig.layout.annotations[0].font.size}
        assert sizes == {8 * 96 / 72}
        assert fig.layout.paper_bgcolor == "#ffffff"
        assert len(fig.data) == 1, "what only serves the mouse is left out"
        assert for_print(fig, columns=columns, transparent=True).layout.paper_bgcolor == "rgba(0,0,0,0)"

    def test_title_and_legend_do_not_share_a_narrow_row(self):
        result, node = make_result(), Node("z", 1, 2, 5)
        tables = {m: by_pair(result, node) for m in ("exact", "atp")}
        fig = for_print(pair_points(tables, spec=result.spec, node=node, title="By pair"))
        assert (1 - fig.layout.legend.y) * fig.layout.height > 20
        assert fig.layout.height - fig.layout.margin.t - fig.layout.margin.b > 0.3 * fig.layout.width

    def test_the_screen_figure_is_left_as_it_was(self):
        fig = effect_heatmap(layer_by_head(make_result(), "z"))
        before = fig.to_json()
        for_print(fig)
        for_reading(fig)
        assert fig.to_json() == before

    def test_a_file_promises_no_click(self):
        fig = effect_heatmap(layer_by_head(make_result(), "z"))
        assert "click" in fig.data[1].hovertemplate
        assert "click to inspect" not in for_reading(fig).to_json()

    def test_other_widths_are_refused(self):
        with pytest.raises(SpecError, match="one column or two"):
            for_print(effect_heatmap(layer_by_head(make_result(), "z")), columns=3)
