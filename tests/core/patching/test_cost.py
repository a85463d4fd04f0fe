"""The cost model counts what the engine really does."""

from core.patching.cost import measure_speed, method_costs
from core.patching.plan import count
from tests.tiny import random_pairs, tiny_model


def test_costs_scale_with_work():
    shape = tiny_model("llama").shape
    late, early = random_pairs(1, 12, 10), random_pairs(1, 12, 1)
    cost = {m.method: m for m in method_costs(shape, late, ("z",), speed=1e5)}
    more = {m.method: m for m in method_costs(shape, early, ("z",), speed=1e5)}
    assert cost["exact"].seconds < more["exact"].seconds
    assert more["atp"].forwards < more["atp-graddrop"].forwards < more["exact"].forwards
    twice = {m.method: m for m in method_costs(shape, (*early, *early), ("z",), speed=1e5)}
    assert twice["exact"].forwards == 2 * more["exact"].forwards


def test_one_method_is_recommended_and_never_exact_for_neurons():
    shape, pairs = tiny_model("llama").shape, random_pairs(1, 12, 1)
    for nodes, speed, expected in (
        (("z",), 1e6, "exact"),
        (("z",), 1.0, "atp-star"),
        (("z", "neuron"), 1e6, "atp-star"),
    ):
        costs = method_costs(shape, pairs, nodes, speed=speed)
        assert [c.method for c in costs if c.recommended] == [expected]
        assert all(bool(c.why) == c.recommended for c in costs)


def test_count_by_hand():
    """Two layers above z at t: H nodes each, but in the last layer only at the last position."""
    shape = tiny_model("llama").shape
    assert count(("z",), shape, [2], 4) == 2 * (2 * 4) + 4
    assert count(("k",), shape, [2], 4) == 2 * (3 * 2)


def test_measured_speed_is_a_rate():
    model = tiny_model("gpt2")
    assert 10 < measure_speed(model) < 1e9
