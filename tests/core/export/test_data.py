import json

import pandas as pd

from core.export.data import data_json
from core.patching.results.summary import layer_by_head, layer_by_position
from core.patching.spec import RunSpec
from tests.make_results import make_result


def test_the_numbers_and_the_run_are_inside():
    result = make_result()
    table = layer_by_position(result, "mlp_out")
    data = json.loads(data_json(table.to_frame(), caption="A caption.", results=(result,)))
    assert data["caption"] == "A caption."
    assert RunSpec.from_json(data["runs"][0]["spec"]) == result.spec
    assert data["runs"][0]["provenance"]["torch"] == "2.13.0"
    row = data["data"][11]
    assert (row["layer"], row["head"], row["position"], row["token"]) == (1, None, 5, " Mary")
    assert row["mean"] == table.mean[1, 5]


def test_what_is_missing_is_null():
    result = make_result()
    frame = pd.DataFrame({"x": [1.0, float("nan")], "head": pd.array([3, None], dtype="Int64")})
    data = json.loads(data_json(frame, caption="", results=(result,)))["data"]
    assert data == [{"x": 1.0, "head": 3}, {"x": None, "head": None}]


def test_a_table_lists_its_cells():
    frame = layer_by_head(make_result(), "z", position=5).to_frame()
    assert frame[["layer", "head", "position", "token"]].iloc[6].tolist() == [1, 2, 5, " Mary"]
    collapsed = layer_by_head(make_result(), "z").to_frame()
    assert collapsed.position.isna().all()
    assert set(collapsed.token) == {""}
    assert collapsed["mean"].tolist() == layer_by_head(make_result(), "z").mean.ravel().tolist()
