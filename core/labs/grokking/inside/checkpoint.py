"""One checkpoint of a network that adds modulo p, ready to be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.labs.grokking.inside.fourier import Spectrum, circle, neuron_frequencies, spectrum
from core.labs.grokking.inside.measures import embedding, table_of
from core.labs.grokking.record import Weights
from core.labs.grokking.settings import Settings
from core.labs.grokking.tasks import make_task

SHOWN_KEYS, SHOWN_NEURONS = 4, 5


@dataclass(frozen=True, eq=False)
class Inside:
    """What is drawn of one checkpoint.

    Attributes:
        keys: key frequencies of the run's last checkpoint, strongest first.
        planes: key frequency -> symbols' coordinates [p, 2], for at most ``SHOWN_KEYS`` of them.
        reach: largest coordinate of the last checkpoint or this one, for a common scale.
        neurons: activations [neuron, x, y] of the most active neurons of each key frequency, few of them.
        names: of those neurons.
        spectrum: of the logits.
    """

    keys: tuple[int, ...]
    planes: dict[int, np.ndarray]
    reach: float
    neurons: np.ndarray
    names: list[str]
    spectrum: Spectrum


def look_inside(settings: Settings, weights: Weights, run: int, step: int) -> Inside:
    """A checkpoint, by the frequencies and neurons of the same run's last one, so that a slider shows them grow."""
    net, task = settings.net, make_task(settings.operation, settings.p)
    here, last = weights.at(run, step), weights.at(run, weights.steps[-1])
    keys = spectrum(table_of(net, last, task)).keys()
    planes = {k: circle(embedding(net, here), k) for k in keys[:SHOWN_KEYS]}
    ends = [circle(embedding(net, last), k) for k in planes]
    chosen = _neurons(table_of(net, last, task, what="neurons"), keys)
    maps = table_of(net, here, task, what="neurons")
    return Inside(
        keys=keys,
        planes=planes,
        reach=1.1 * float(max(np.abs(plane).max() for plane in (*ends, *planes.values()))),
        neurons=np.stack([maps[..., i] for i, _ in chosen]),
        names=[f"neuron {i}, frequency {k}" for i, k in chosen],
        spectrum=spectrum(table_of(net, here, task)),
    )


def _neurons(activations: np.ndarray, keys: tuple[int, ...]) -> list[tuple[int, int]]:
    """(neuron, its frequency): the neurons that vary most, one of each key frequency in turn."""
    frequency, _ = neuron_frequencies(activations)
    order = np.argsort(-activations.var((0, 1)), kind="stable")
    queues = [[int(i) for i in order if frequency[i] == k] for k in keys]
    turns = [(queue[turn], k) for turn in range(len(order)) for queue, k in zip(queues, keys) if turn < len(queue)]
    return sorted(turns[:SHOWN_NEURONS] or [(int(i), int(frequency[i])) for i in order[:SHOWN_NEURONS]])
