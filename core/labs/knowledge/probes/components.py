"""Principal components of the differences within contrast pairs."""

from __future__ import annotations

import numpy as np


def components(x: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The first principal directions ``[n, d_model]`` of the differences of normalised pairs ``[2, item, d_model]``,
    and their shares of the variance. The sign makes each direction's largest entry positive."""
    difference = (x[1] - x[0]).astype(np.float64)
    _, sizes, directions = np.linalg.svd(difference - difference.mean(0), full_matrices=False)
    directions = directions[:n]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(1)[:, None], axis=1)
    return (directions * np.sign(largest)).astype(np.float32), (sizes**2 / max((sizes**2).sum(), 1e-12))[:n]
