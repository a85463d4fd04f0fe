"""Feature prediction error, preference accuracy and violated triplets, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from core.labs.similarity.measures import (
    RIDGE,
    accuracy,
    exam,
    feature_error,
    preference_accuracy,
    standardised,
    violated,
)
from core.worlds.listed.gridrobot import gridrobot

WORLD = gridrobot()
EXAM = exam(WORLD, 0, rewards=4, preferences=60)


def some_points(dim=6):
    return WORLD.raw @ np.random.default_rng(0).normal(size=(19, dim)).astype(np.float32)


def test_the_true_features_are_perfect():
    assert feature_error(WORLD.features, WORLD) < 1e-9
    assert preference_accuracy(WORLD.features, WORLD, EXAM) > 0.9
    assert violated(WORLD.features, EXAM.triples) == 0
    assert accuracy(EXAM.rewards @ WORLD.features.T, EXAM) == 1


def test_points_that_say_nothing_are_at_chance():
    noise = np.random.default_rng(0).normal(size=(490, 3))
    assert feature_error(noise, WORLD) == pytest.approx(1, abs=0.06)
    assert violated(noise, EXAM.triples) == pytest.approx(2 / 3, abs=0.06)


def test_feature_error_is_scikit_learns():
    points = some_points()
    model = LinearRegression().fit(points[WORLD.seen], WORLD.features[WORLD.seen])
    truth = WORLD.features[WORLD.held]
    plain = ((model.predict(points[WORLD.held]) - truth) ** 2).mean() / truth.var(0).mean()
    assert feature_error(points, WORLD) == pytest.approx(plain, abs=1e-6)


def test_feature_error_does_not_depend_on_the_scale():
    points = some_points()
    assert feature_error(points * 1000 + 7, WORLD) == pytest.approx(feature_error(points, WORLD), abs=1e-4)


def test_preference_accuracy_is_scikit_learns_fitted_one_way_round():
    points, right = standardised(some_points(), WORLD), []
    for answers, pairs, first in zip(EXAM.asked, EXAM.pairs, EXAM.first):
        gaps = points[answers.pairs[:, 0]] - points[answers.pairs[:, 1]]
        model = LogisticRegression(C=1 / (2 * RIDGE * len(gaps)), fit_intercept=False, max_iter=1000)
        model.fit(gaps, answers.first)
        right.append(model.predict(points[pairs[:, 0]] - points[pairs[:, 1]]) == first)
    assert preference_accuracy(some_points(), WORLD, EXAM) == pytest.approx(np.mean(right), abs=0.002)


def test_measures_read_the_held_half_alone():
    held = set(WORLD.held.tolist())
    assert set(EXAM.pairs.ravel()) <= held
    assert set(EXAM.triples.ravel()) <= held
    assert all(set(answers.pairs.ravel()) <= set(WORLD.seen.tolist()) for answers in EXAM.asked)


def test_a_constant_dimension_does_no_harm():
    points = np.column_stack([some_points(), np.full(490, 3.0)])
    assert feature_error(points, WORLD) == pytest.approx(feature_error(some_points(), WORLD), abs=1e-6)
