"""The theorems of Farquhar et al., in numbers."""

import numpy as np

from core.labs.knowledge.probes.normalise import fit_normaliser
from core.labs.knowledge.theory.theorems import Answers, demonstrate, random_labellings, turned_into, xor_probe


def test_any_feature_has_a_probe_of_loss_zero_that_induces_it():
    h = np.random.default_rng(0).random(1000) < 0.3
    probe = xor_probe(h)
    assert abs(probe.loss("symmetric")) <= 1e-12
    assert abs(probe.loss("original")) <= 1e-12
    assert (probe.induced == h).all()


def test_any_probe_becomes_any_other_at_the_same_symmetric_loss():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        probe, target = Answers(rng.random(1000), rng.random(1000)), rng.random(1000) < 0.5
        turned = turned_into(probe, target)
        assert abs(turned.loss("symmetric") - probe.loss("symmetric")) <= 1e-9
        assert abs(turned.loss("original") - probe.loss("original")) > 1e-4
        assert (turned.induced == target).all()


def test_the_demonstration_says_the_same():
    found = demonstrate(np.random.default_rng(1))
    assert set(found.xor_loss.values()) == {0.0}
    assert abs(found.before["symmetric"] - found.after["symmetric"]) <= 1e-9
    assert abs(found.before["original"] - found.after["original"]) > 1e-4
    assert found.induced == 1


def test_random_labels_are_fitted_but_not_found_again():
    rng = np.random.default_rng(0)
    pairs = rng.normal(size=(2, 120, 400)).astype(np.float32)
    test = np.arange(120) >= 72
    found = random_labellings(pairs, test, fit_normaliser(pairs[:, ~test]), rng)
    assert len(found) == 20
    assert max(one.train_loss for one in found) < 0.02
    assert min(one.train_accuracy for one in found) == 1
    assert abs(np.mean([one.test_accuracy for one in found]) - 0.5) < 0.06
    assert min(one.test_loss for one in found) > 0.1
