"""How much of a network is the trigonometric solution of addition modulo p, and at which frequencies.

Nanda et al. (2023) found that grokked networks compute cos(w_k (x + y - c)), w_k = 2 pi k / p, for a few frequencies k.
Logits L[x, y, c] are first centred over c, which the softmax does not see. Then, with M[s, c] the mean of L over the
p pairs with x + y = s, and T[r] the mean of M over s - c = r:

    cosine coefficient   a_k = <L, unit vector along cos(w_k (x + y - c))>
    trig fraction        sum of a_k^2 / |L|^2: the share of the logits' squared length in the trigonometric solution
    component of k       projection of L on cos and sin of w_k (x + y), for each c on its own
    restricted loss      cross-entropy of the key frequencies' components and each answer's mean logit alone, all pairs
    excluded loss        cross-entropy on training pairs of the logits without those components

Both components are functions of x + y alone, so a row of M is all they need. Key frequencies are those of the *last*
checkpoint: the fewest that hold 95 % of the trig fraction. A fraction measured so is biased upwards while memory and
solution overlap; it is a description of the logits, not of the weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KEY_SHARE = 0.95


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Logits in the trigonometric basis.

    Attributes:
        coefficient: a_k, float64 [(p - 1) / 2], k from 1.
        fraction: trig fraction, 0 to 1.
    """

    coefficient: np.ndarray
    fraction: float

    def keys(self, share: float = KEY_SHARE) -> tuple[int, ...]:
        """The fewest frequencies that hold this share of the trigonometric part, strongest first."""
        power = self.coefficient**2
        order = np.argsort(-power, kind="stable")
        held = np.cumsum(power[order]) / max(power.sum(), np.finfo(float).tiny)
        return tuple(int(k) + 1 for k in order[: int(np.searchsorted(held, share - 1e-12)) + 1])


def spectrum(logits: np.ndarray) -> Spectrum:
    """Spectrum of the logits [x, y, c] of a network that adds modulo p."""
    centred = _centred(logits)
    p = len(centred)
    mean = _by_sum(centred)
    s, c = np.meshgrid(np.arange(p), np.arange(p), indexing="ij")
    along = np.bincount(((s - c) % p).ravel(), weights=mean.ravel(), minlength=p) / p
    # |cos(w_k (x + y - c))| over all p^3 triples is sqrt(p^3 / 2), and its product with L is p^2 times the cosine sum.
    coefficient = np.fft.rfft(along).real[1 : (p + 1) // 2] * np.sqrt(2 * p)
    total = float((centred**2).sum())
    return Spectrum(coefficient, float((coefficient**2).sum()) / total if total else 0.0)


def restricted_loss(logits: np.ndarray, keys: tuple[int, ...]) -> float:
    """Mean cross-entropy over all pairs when only the key frequencies and each answer's mean logit are left."""
    centred = _centred(logits)
    left = _component(centred, keys)
    left = left + (centred.mean((0, 1)) - left.mean(0))
    p = len(left)  # left: [s, c], the same for the p pairs of a sum
    return float(_losses(left, np.arange(p)).mean())


def excluded_loss(logits: np.ndarray, keys: tuple[int, ...], train: np.ndarray) -> float:
    """Mean cross-entropy over the training pairs when the key frequencies are taken away.

    Args:
        train: numbers of the training pairs, p x + y.
    """
    centred = _centred(logits)
    p = len(centred)
    x, y = np.divmod(train, p)
    s = (x + y) % p
    return float(_losses(centred[x, y] - _component(centred, keys)[s], s).mean())


def gini(amounts: np.ndarray) -> float:
    """Gini coefficient of non-negative amounts [n]: 0 when all are equal, 1 - 1/n when one holds everything."""
    ordered = np.sort(amounts)
    n, total = len(ordered), ordered.sum()
    return float(((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (n * total)) if total else 0.0


def frequency_norms(weights: np.ndarray) -> np.ndarray:
    """Length of each Fourier component of weights [p, column]: the constant, then cos and sin of each k [p]."""
    p = len(weights)
    k = np.arange(1, (p + 1) // 2)
    angle = 2 * np.pi * np.outer(k, np.arange(p)) / p
    basis = np.concatenate([np.full((1, p), p**-0.5), (2 / p) ** 0.5 * np.cos(angle), (2 / p) ** 0.5 * np.sin(angle)])
    return np.linalg.norm(basis @ weights, axis=1)


def circle(weights: np.ndarray, k: int) -> np.ndarray:
    """Tokens [p, 2] in the plane of a frequency: coordinates along the cos and sin directions of weights [p, d]."""
    p = len(weights)
    angle = 2 * np.pi * k * np.arange(p) / p
    directions = np.stack([np.cos(angle), np.sin(angle)]) @ weights * (2 / p)  # [2, d]
    first, second = directions
    first = first / max(float(np.linalg.norm(first)), 1e-9)
    second = second - (second @ first) * first
    second = second / max(float(np.linalg.norm(second)), 1e-9)
    return np.stack([weights @ first, weights @ second], axis=1)


def neuron_frequencies(activations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The frequency of each neuron, int [neuron], and the share of its variance there.

    A neuron's share at k is that of the 3 x 3 block {1, cos k, sin k} in x times the same in y, its constant left out.

    Args:
        activations: [x, y, neuron].
    """
    p = len(activations)
    power = np.abs(np.fft.fft2(activations - activations.mean((0, 1)), axes=(0, 1))) ** 2
    total = power.sum((0, 1))
    shares = []
    for k in range(1, (p + 1) // 2):
        block = power[np.ix_((0, k, p - k), (0, k, p - k))].sum((0, 1))
        shares.append(np.divide(block, total, out=np.zeros_like(block), where=total > 0))
    table = np.stack(shares)
    return table.argmax(0) + 1, table.max(0)


def _centred(logits: np.ndarray) -> np.ndarray:
    logits = np.asarray(logits, dtype=np.float64)
    return logits - logits.mean(-1, keepdims=True)


def _by_sum(values: np.ndarray) -> np.ndarray:
    """Mean [s, c] of values [x, y, c] over the pairs with x + y = s modulo p."""
    p = len(values)
    x = np.arange(p)
    return np.stack([values[x, (s - x) % p].mean(0) for s in range(p)])


def _component(centred: np.ndarray, keys: tuple[int, ...]) -> np.ndarray:
    """The key frequencies' part [s, c] of centred logits."""
    p = len(centred)
    amplitudes = np.fft.rfft(_by_sum(centred), axis=0)
    only = np.zeros_like(amplitudes)
    only[list(keys)] = amplitudes[list(keys)]
    return np.fft.irfft(only, n=p, axis=0)


def _losses(logits: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Cross-entropy [row] of logits [row, class]."""
    above = logits - np.take_along_axis(logits, answer[:, None], axis=1)
    return np.logaddexp.reduce(above, axis=1)
