import csv
import dataclasses
import io
import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load, save

from core.errors import ResultError
from core.export.folder import effects_bytes, read_folder, run_json, write_folder
from core.export.reading import read_files
from core.export.table import COLUMNS, effects_text, shown_csv
from core.patching.spec import NeuronSite
from tests.make_results import make_pair, make_result

HOSTILE = ("</script><b>", "=1+2", ' "quoted",', "line\nbreak\r", "\u2028é", "-1")


def hostile_result():
    return make_result(
        [make_pair(0, clean=HOSTILE, corrupt=(*HOSTILE[:-1], "other"), name="=cmd|' /C calc'!A0"), make_pair(1)]
    )


def neuron_result():
    result = make_result(kinds=("neuron",), neurons=(NeuronSite(1, 5),))
    for x in result.effects["neuron"]:
        x[[0, 2]] = np.nan
    return result


def linked_result():
    pair = make_pair(0, clean=("a", " b", " c"), corrupt=("a", " x", " y", " c"))
    linked = dataclasses.replace(pair, tokens=dataclasses.replace(pair.tokens, links=((1, 2, 1, 3),)))
    return make_result([linked, make_pair(1)], spans="mean")


def same(a, b):
    assert (a.spec, a.shape, a.pairs, a.provenance, a.seconds) == (b.spec, b.shape, b.pairs, b.provenance, b.seconds)
    assert a.effects.keys() == b.effects.keys()
    for kind in a.effects:
        for x, y in zip(a.effects[kind], b.effects[kind]):
            assert x.dtype == y.dtype == np.float32
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("make", [make_result, hostile_result, neuron_result, linked_result])
def test_a_folder_gives_back_the_result(make, tmp_path):
    result = make()
    write_folder(result, tmp_path / "deep" / "run")
    same(read_folder(tmp_path / "deep" / "run"), result)
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == ["run"], "no temporary folder stays behind"


def targets_result(**targets):
    pairs = [
        dataclasses.replace(pair, tokens=dataclasses.replace(pair.tokens, **targets)) for pair in make_result().pairs
    ]
    return make_result(pairs, metric="answer_log_prob" if "rest" in targets else "prob_diff")


SETS = {"answer_id": (3, 5), "answer": (" John", " Jack"), "distractor_id": (4, 6, 7), "distractor": ("a", "b", "c")}
WHOLE = {"rest_ids": (8, 9), "rest": (" F", ".")}


@pytest.mark.parametrize("targets", [SETS, WHOLE])
def test_answer_sets_and_whole_answers_come_back(targets, tmp_path):
    result = targets_result(**targets)
    write_folder(result, tmp_path / "out")
    assert read_folder(tmp_path / "out").pairs == result.pairs


def test_single_answers_are_written_as_ever():
    described = run_json(make_result())["pairs"][0]
    assert (described["answer_id"], described["answer"]) == (3, " John")
    assert not [name for name in described if name.startswith("rest")]


@pytest.mark.parametrize(
    "change",
    [
        {"answer_id": []},
        {"answer": []},
        {"answer": [" John"]},
        {"answer_id": [3, "5"]},
        {"answer_id": [3, True]},
        {"distractor_id": [4] * 2000},
        {"rest_ids": [3]},
        {"rest": "x"},
        {"rest_ids": None},
    ],
)
def test_damaged_answer_sets_are_refused(change):
    result = targets_result(**SETS)
    described = run_json(result)
    described["pairs"][1] |= change
    with pytest.raises(ResultError, match="pair 1"):
        read_files(json.dumps(described).encode(), effects_bytes(result))


@pytest.mark.parametrize("links", [None, [[1, 2, 1, 2]], [[1, 2, 1]], [[1, 2, 1, "3"]], "all", [[3, 3, 3, 4]]])
def test_links_that_do_not_fit_are_refused(links):
    result = linked_result()
    run = run_json(result)
    run["pairs"][0]["links"] = links
    with pytest.raises(ResultError, match=r"links between|equal numbers"):
        read_files(json.dumps(run).encode(), effects_bytes(result))


def test_effects_csv_is_faithful_to_the_letter(tmp_path):
    result = hostile_result()
    write_folder(result, tmp_path / "run")
    with (tmp_path / "run" / "effects.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    first = [row for row in rows if row["pair"] == "=cmd|' /C calc'!A0" and row["node"] == "z" and row["layer"] == "0"]
    assert [row["token"] for row in first if row["head"] == "0"] == list(HOSTILE)
    whole = [row for row in rows if row["node"] == "mlp_out"]
    assert {row["head"] for row in whole} == {""}
    value = next(r for r in rows if (r["pair"], r["node"], r["layer"], r["position"]) == ("1", "mlp_out", "2", "5"))
    assert np.float32(value["effect"]) == result.effects["mlp_out"][1][2, 5, 0]


def test_csv_pair_by_pair_equals_the_whole_frame():
    result = hostile_result()
    assert effects_text(result) == result.to_frame().to_csv(index=False, lineterminator="\n")


@pytest.mark.parametrize("top", [1, 7, 10_000])
def test_top_rows_are_those_of_the_whole_frame(top):
    result = make_result()
    expected = result.to_frame().sort_values("effect", key=abs, ascending=False, kind="stable").head(top)
    got = pd.read_csv(io.StringIO(effects_text(result, top=top)), dtype={"pair": str, "effect": np.float32})
    np.testing.assert_array_equal(got.effect, expected.effect)
    assert got.node.tolist() == expected.node.tolist()


def test_neurons_not_computed_have_no_row():
    rows = effects_text(neuron_result()).splitlines()[1:]
    assert {row.split(",")[2] for row in rows} == {"1"}


def test_run_json_names_pairs_and_tokens(tmp_path):
    write_folder(make_result(), tmp_path / "run")
    data = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    pair = data["pairs"][0]
    assert pair["clean_tokens"] == [10, 11, 12, 13, 12, 11]
    assert pair["corrupt_token_text"][-1] == " John"
    assert (pair["clean_metric"], pair["corrupt_metric"]) == (4.0, -4.0)
    assert data["seconds"] == {"exact": 1.5}


def test_writing_replaces_a_result_and_spares_anything_else(tmp_path):
    place = tmp_path / "run"
    write_folder(make_result(seed=1), place)
    write_folder(make_result(seed=2), place)
    same(read_folder(place), make_result(seed=2))
    (place / "thesis.tex").write_text("years of work")
    with pytest.raises(ResultError, match="not a result"):
        write_folder(make_result(), place)
    assert (place / "thesis.tex").read_text() == "years of work"
    same(read_folder(place), make_result(seed=2))


def test_a_failed_write_leaves_nothing(tmp_path):
    bad = make_result([make_pair(clean_metric=float("nan"))])
    with pytest.raises(ResultError, match="finite"):
        write_folder(bad, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultError, match="file"):
        write_folder(make_result(), tmp_path / "file" / "run")


def test_missing_files_are_named(tmp_path):
    write_folder(make_result(), tmp_path / "run")
    (tmp_path / "run" / "effects.safetensors").unlink()
    with pytest.raises(ResultError, match=r"effects\.safetensors"):
        read_folder(tmp_path / "run")


def edited(**changes):
    """run.json of a small result with some top-level fields changed."""
    return json.dumps({**run_json(make_result()), **changes}).encode()


def pair_edit(**changes):
    pairs = run_json(make_result())["pairs"]
    return edited(pairs=[{**pairs[0], **changes}, *pairs[1:]])


GOOD_EFFECTS = effects_bytes(make_result())


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not the description"),
        (edited()[:-40], "not JSON"),
        (edited(schema=99), "format 99"),
        (edited(pairs=[]), "between 1 and"),
        (edited(pairs={}), "pairs"),
        (edited(spec={"method": "exact"}), "does not make sense"),
        (edited(spec={**make_result().spec.to_json(), "method": "magic"}), "does not make sense"),
        (edited(spec={**make_result().spec.to_json(), "model": ["x"]}), "does not make sense"),
        (edited(shape={}), "sizes"),
        (edited(shape={**run_json(make_result())["shape"], "n_heads": -1}), "sizes"),
        (edited(shape={**run_json(make_result())["shape"], "n_heads": 10**30}), "sizes"),
        (edited(seconds={"exact": "soon"}), "finite"),
        (pair_edit(clean_metric=None), "clean_metric"),
        (pair_edit(row=True), "row"),
        (pair_edit(clean_tokens=[1, 2]), "equal numbers"),
        (pair_edit(clean_tokens=["a"] * 6), "whole number"),
        (pair_edit(clean_token_text=[1] * 6), "not text"),
        (pair_edit(corrupt_tokens=[10, 11, 12, 13, 12, 11]), "the same"),
        (pair_edit(clean_metric=10**400), "finite"),
    ],
)
def test_damaged_descriptions_are_refused(run, message):
    with pytest.raises(ResultError, match=message):
        read_files(run, GOOD_EFFECTS)


def test_nan_metrics_are_refused():
    with pytest.raises(ResultError, match="NaN"):
        read_files(edited().replace(b'"clean_metric": 4.0', b'"clean_metric": NaN'), GOOD_EFFECTS)


def tensor_edit(**changes):
    return save({**load(GOOD_EFFECTS), **{k.replace("_0", "/0"): v for k, v in changes.items()}})


@pytest.mark.parametrize(
    ("effects", "message"),
    [
        (b"", "cut short"),
        (GOOD_EFFECTS[:-1], "cut short"),
        (GOOD_EFFECTS[:20], "cut short"),
        ((2**62).to_bytes(8, "little") + GOOD_EFFECTS[8:], "cut short"),
        (b"PK\x03\x04" + GOOD_EFFECTS, "cut short"),
        (tensor_edit(z_0=np.zeros((3, 5, 4), np.float32)), r"not F32 \(3, 6, 4\)"),
        (tensor_edit(z_0=np.zeros((3, 6, 4), np.float64)), "F64"),
        (tensor_edit(z_0=np.full((3, 6, 4), np.inf, np.float32)), "infinite"),
        (tensor_edit(extra=np.zeros(1, np.float32)), "extra"),
        (save({"z/0": np.zeros((3, 6, 4), np.float32)}), "does not hold"),
    ],
)
def test_damaged_effects_are_refused(effects, message):
    with pytest.raises(ResultError, match=message):
        read_files(edited(), effects)


def test_negative_scores_are_refused():
    result = make_result(method="atp-star")
    bad = dataclasses.replace(result, effects={k: tuple(-x for x in v) for k, v in result.effects.items()})
    with pytest.raises(ResultError, match="negative"):
        read_files(json.dumps(run_json(result)).encode(), effects_bytes(bad))


def test_a_shown_table_holds_no_formula():
    table = pd.DataFrame(
        {"pair": ["=HYPERLINK(1)", "+1", "@x", "-", "\t=1", "IOI 3"], "token": [" =", " -", "a", "b", "c", "d"]}
    )
    table["effect"] = -1.5
    back = pd.read_csv(io.BytesIO(shown_csv(table)))
    assert back.pair.tolist() == ["'=HYPERLINK(1)", "'+1", "'@x", "'-", "'\t=1", "IOI 3"]
    assert back.token.tolist() == [" =", " -", "a", "b", "c", "d"], "a leading space is no formula"
    assert back.effect.tolist() == [-1.5] * 6, "numbers stay numbers"
