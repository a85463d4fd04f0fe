"""The three ingredients: the end in closed form, and what happens without one of them."""

import numpy as np
import pytest

from core.errors import SpecError
from core.labs.grokking.simulation import Ingredients, simulate


@pytest.mark.parametrize("p_m", [2.0, 1.5, 1.05])
def test_the_end_ratio_is_the_closed_form(p_m):
    ingredients = Ingredients(p_m=p_m)
    course = simulate(ingredients)
    assert course.ratio[-1] == pytest.approx(ingredients.end_ratio, abs=1e-3)


def test_all_three_ingredients_give_grokking():
    course = simulate(Ingredients())
    memorised = course.step[np.argmax(course.train_loss < 0.3)]
    assert memorised <= 300
    assert course.test_loss[np.searchsorted(course.step, memorised)] > 5
    assert course.generalises_at > 10 * memorised
    assert course.test_loss[-1] < 0.1


def test_without_efficiency_it_never_generalises():
    course = simulate(Ingredients(p_g=2.0, p_m=1.0))
    assert course.generalises_at is None
    assert course.test_loss[-1] > 5


def test_without_slowness_there_is_no_delay():
    course = simulate(Ingredients(start_g=1.0, start_m=0.005))
    assert course.generalises_at < 50
    assert (course.test_loss - course.train_loss < 0.5)[course.step > 300].all()


def test_nothing_impossible_is_simulated():
    assert np.isnan(Ingredients(mu=0.0).end_ratio)
    with pytest.raises(SpecError):
        Ingredients(kappa=2.5)
    with pytest.raises(SpecError):
        Ingredients(steps=0)
