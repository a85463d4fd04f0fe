"""The methods by name, without the libraries that compute them."""

from __future__ import annotations

from typing import Literal, get_args

Method = Literal[
    "ccs", "ccs-original", "pca", "kmeans", "random", "logistic", "mass-mean", "zero-shot", "zero-shot-calibrated"
]
METHODS: tuple[Method, ...] = get_args(Method)
DEFAULT_METHODS = tuple(method for method in METHODS if method != "ccs-original")
OUTPUTS = ("zero-shot", "zero-shot-calibrated")  # what the model says itself; they have no layer
SUPERVISED = ("logistic", "mass-mean")
SEEDED = ("ccs", "ccs-original", "random")

METHOD_NAMES = {
    "ccs": "CCS",
    "ccs-original": "CCS, original loss",
    "pca": "PCA",
    "kmeans": "k-means",
    "random": "Random direction",
    "logistic": "Logistic regression",
    "mass-mean": "Mass-mean",
    "zero-shot": "Model's answer",
    "zero-shot-calibrated": "Model's answer, calibrated",
}
