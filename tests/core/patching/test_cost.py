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


def test_a_screen_is_recommended_for_any_nodes_and_costs_more_than_its_estimate():
    shape, pairs = tiny_model("llama").shape, random_pairs(1, 12, 1)
    for nodes, estimate in ((("z",), "atp"), (("q", "z"), "atp-qk"), (("z", "neuron"), "atp")):
        costs = {c.method: c for c in method_costs(shape, pairs, nodes, speed=1e6)}
        assert [m for m, c in costs.items() if c.recommended] == ["screen"]
        assert all(bool(c.why) == c.recommended for c in costs.values())
        assert costs["screen"].seconds > costs[estimate].seconds


def test_a_screen_costs_what_it_verifies():
    shape, pairs = tiny_model("llama").shape, random_pairs(4, 12, 4)
    few, more, everything, beyond = (
        method_costs(shape, pairs, ("z",), speed=1e6, verify=n)[0].forwards for n in (5, 10, 10**4, 10**5)
    )
    assert few < more
    assert everything == beyond


def test_count_by_hand():
    """Two layers above z at t: H nodes each, but in the last layer only at the last position."""
    shape = tiny_model("llama").shape
    assert count(("z",), shape, [2], 4) == 2 * (2 * 4) + 4
    assert count(("k",), shape, [2], 4) == 2 * (3 * 2)


def test_measured_speed_is_a_rate():
    model = tiny_model("gpt2")
    assert 10 < measure_speed(model) < 1e9
