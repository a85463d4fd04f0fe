"""The probes: every method gives, for one layer, weights on both halves of a pair and a threshold.

A pair counts as true where ``w₋ · x₋ + w₊ · x₊ > threshold``, with x normalised by what was fitted on the training
part. CCS, PCA, k-means, random and mass-mean probes are directions on differences, ``w₋ = −w₊``; logistic regression
sees both halves.

Sources: CCS and CRC-TPC (here "pca"): Burns, Ye, Klein, Steinhardt 2022, arXiv:2212.03827. k-means, random and the
settings of CCS: Farquhar, Varma, Kenton and others 2023, arXiv:2312.10029. Mass-mean: Marks, Tegmark 2023,
arXiv:2310.06824.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.labs.knowledge.probes.ccs import Confidence, ccs_loss, fit_ccs, start
from core.labs.knowledge.probes.components import components
from core.labs.knowledge.probes.names import SEEDED, Method
from core.labs.knowledge.probes.normalise import Normaliser
from core.progress import IsCancelled

MOST_KMEANS = 10  # seeds; each already takes the best of ten starts


@dataclass(frozen=True)
class Probes:
    """Probes of one method at one layer, one a seed.

    Attributes:
        seeds: int ``[probe]``.
        weights: float32 ``[probe, 2, d_model]``, for x₋ and x₊ after normalisation.
        bias: float32 ``[probe]``, b of p(x) = sigmoid(w₊ · x + b); enters the CCS loss only.
        threshold: float32 ``[probe]``.
    """

    method: str
    layer: int
    seeds: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray
    normaliser: Normaliser

    def __len__(self) -> int:
        return len(self.seeds)

    def only(self, i: int) -> Probes:
        """One of them."""
        pick = slice(i, i + 1)
        return replace(
            self,
            seeds=self.seeds[pick],
            weights=self.weights[pick],
            bias=self.bias[pick],
            threshold=self.threshold[pick],
        )

    def scores(self, pairs: np.ndarray, *, normaliser: Normaliser | None = None) -> np.ndarray:
        """Signed scores ``[probe, item]`` of raw pairs ``[2, item, d_model]``; positive: true.

        Args:
            normaliser: another one than the probe's own.
        """
        x = (normaliser or self.normaliser)(pairs)
        return self.weights[:, 0] @ x[0].T + self.weights[:, 1] @ x[1].T - self.threshold[:, None]

    def loss(self, pairs: np.ndarray) -> np.ndarray:
        """CCS loss ``[probe]`` of raw pairs; NaN for methods that give no probabilities."""
        if self.method not in SEEDED:
            return np.full(len(self), np.nan)
        confidence: Confidence = "original" if self.method == "ccs-original" else "symmetric"
        return ccs_loss(self.normaliser(pairs), self.weights[:, 1], self.bias, confidence)

    def directions(self) -> np.ndarray:
        """float32 ``[probe, d_model]``, unit vectors in the residual stream's own coordinates, pointing to true."""
        raw = self.weights[:, 1] / self.normaliser.scale[1] - self.weights[:, 0] / self.normaliser.scale[0]
        return raw / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-12)


def fit(
    method: Method,
    layer: int,
    pairs: np.ndarray,
    labels: np.ndarray,
    normaliser: Normaliser,
    *,
    seeds: range,
    epochs: int = 1000,
    learning_rate: float = 1e-3,
    cancelled: IsCancelled | None = None,
) -> Probes:
    """Fit one method.

    Args:
        pairs: raw training pairs ``[2, item, d_model]``; labels: bool ``[item]``, read by supervised methods only.
        seeds: of methods that draw at random (k-means: the first ten of them); the others give one probe.
    """
    x = normaliser(pairs)

    def made(weights: np.ndarray, bias: object = 0.0, threshold: object = 0.0, used: range = seeds[:1]) -> Probes:
        n = len(used)
        return Probes(
            method,
            layer,
            np.array(used),
            np.asarray(weights, np.float32).reshape(n, 2, -1),
            np.broadcast_to(np.asarray(bias, np.float32), n).copy(),
            np.broadcast_to(np.asarray(threshold, np.float32), n).copy(),
            normaliser,
        )

    if method in ("ccs", "ccs-original"):
        found = fit_ccs(
            x,
            seeds,
            confidence="original" if method == "ccs-original" else "symmetric",
            epochs=epochs,
            learning_rate=learning_rate,
            cancelled=cancelled,
        )
        return made(_both_ways(found.theta), found.bias, used=seeds)
    if method == "random":
        return made(_both_ways(start(seeds, x.shape[-1]).T.numpy()), used=seeds)
    if method == "pca":
        return made(_both_ways(components(x, 1)[0]))
    if method == "kmeans":
        used = seeds[:MOST_KMEANS]
        weights, threshold = _kmeans(x[1] - x[0], used)
        return made(_both_ways(weights), threshold=threshold, used=used)
    if method == "mass-mean":
        return made(*_mass_mean(x[1] - x[0], labels))
    if method == "logistic":
        return made(*_logistic(x, labels))
    raise ValueError(method)


def _both_ways(theta: np.ndarray) -> np.ndarray:
    """Directions ``[probe, d]`` as weights on differences ``[probe, 2, d]``."""
    return np.stack([-theta, theta], axis=-2)


def _kmeans(difference: np.ndarray, seeds: range) -> tuple[np.ndarray, np.ndarray]:
    """Two clusters a seed: the direction from the first centre to the second, and the threshold halfway."""
    from sklearn.cluster import KMeans

    if np.ptp(difference, axis=0).max() < 1e-6:  # as at the embedding of the answer: there is nothing to cluster
        return np.zeros((len(seeds), difference.shape[1])), np.zeros(len(seeds))
    weights, threshold = [], []
    for seed in seeds:
        first, second = KMeans(2, n_init=10, random_state=seed).fit(difference).cluster_centers_
        weights.append(second - first)
        threshold.append((second @ second - first @ first) / 2)
    return np.array(weights), np.array(threshold)


def _mass_mean(difference: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float, float]:
    true, false = difference[labels].mean(0), difference[~labels].mean(0)
    return _both_ways(true - false), 0.0, float((true @ true - false @ false) / 2)


def _logistic(x: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Logistic regression on both halves side by side, scikit-learn's defaults (L2, C = 1)."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=1000).fit(np.concatenate([x[0], x[1]], axis=1), labels)
    return model.coef_, 0.0, -float(model.intercept_[0])
