"""The tables hold what their names say."""

import numpy as np
import pytest

from core.errors import SpecError
from core.labs.grokking.tasks import OPERATIONS, PERMUTATIONS, make_task


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_table_is_whole_and_in_range(operation):
    task = make_task(operation, 11)
    assert len(task) == {True: 14400, False: 110 if "/" in operation else 121}[operation in PERMUTATIONS]
    assert len(set(zip(task.x.tolist(), task.y.tolist()))) == len(task)
    assert task.answer.min() >= 0
    assert task.answer.max() < task.p
    assert task.periodic == (operation == "x + y")


def test_division_undoes_multiplication():
    task = make_task("x / y", 13)
    np.testing.assert_array_equal(task.answer * task.y % 13, task.x)


def test_permutations_are_a_group():
    product = make_task("S5: xy", 0).answer.reshape(120, 120)
    assert (np.sort(product, axis=1) == np.arange(120)).all()
    a, b, c = np.random.default_rng(0).integers(0, 120, (3, 500))
    np.testing.assert_array_equal(product[product[a, b], c], product[a, product[b, c]])
    conjugate = make_task("S5: xyx^-1", 0).answer.reshape(120, 120)
    np.testing.assert_array_equal(product[conjugate[a, b], a], product[a, b])  # (x y x^-1) x = x y
    np.testing.assert_array_equal(make_task("S5: xyx", 0).answer.reshape(120, 120)[a, b], product[product[a, b], a])


@pytest.mark.parametrize(("operation", "p"), [("x ^ y", 11), ("x + y", 12), ("x + y", 3), ("x + y", 997)])
def test_impossible_tasks_are_refused(operation, p):
    with pytest.raises(SpecError):
        make_task(operation, p)
