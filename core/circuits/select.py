"""From scores to a circuit: the largest edges, and of those the ones that lie on a path from the prompt to the logits.

Masks of edges are bool ``[position or 1, writer, reader]``; 1 stands for the same edges at every position.
"""

from __future__ import annotations

import numpy as np

from core.circuits.graph import HEAD_READERS, LAYER_READERS, Graph


def ranking(values: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """Flat indices of the possible edges, the largest magnitude first; ties in the order of the array."""
    flat = np.flatnonzero(possible)
    return flat[np.argsort(-np.abs(values.ravel()[flat]), kind="stable")]


def random_ranking(possible: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Flat indices of the possible edges in random order."""
    return rng.permutation(np.flatnonzero(possible))


def first_edges(order: np.ndarray, count: int, shape: tuple[int, ...]) -> np.ndarray:
    """The first ``count`` edges of a ranking as a mask of this shape."""
    mask = np.zeros(shape, bool)
    mask.ravel()[order[:count]] = True
    return mask


def prune(graph: Graph, mask: np.ndarray) -> np.ndarray:
    """The edges of a mask on a path from the embedding to the logits.

    The others change nothing when everything outside the circuit is corrupt: either nothing clean reaches their
    writer, or nothing that reads them reaches the logits. Keys and values reach their heads at every later position.
    """
    live, needed = _live(graph, mask), _needed(graph, mask)
    return mask & live[:, :, None] & needed[:, None, :]


def _dependent(graph: Graph, reader: int) -> slice | None:
    """Writers whose output depends on a reader; where heads are coupled, all of its layer's."""
    found = graph.reader(reader)
    return graph.heads(found.layer) if graph.coupled and found.kind in HEAD_READERS else graph.fed(reader)


def _live(graph: Graph, mask: np.ndarray) -> np.ndarray:
    """Writers that something clean reaches, ``[position, writer]``."""
    live = np.zeros(mask.shape[:2], bool)
    live[:, 0] = True
    for layer in range(graph.n_layers):
        for kind in LAYER_READERS:
            readers = graph.readers(layer, kind)
            reached: np.ndarray = np.any(mask[:, :, readers] & live[:, :, None], axis=1)  # [position, reader]
            if kind in ("k", "v"):
                reached = np.logical_or.accumulate(reached, axis=0)
            for i, reader in enumerate(range(readers.start, readers.stop)):
                live[:, _dependent(graph, reader)] |= reached[:, i : i + 1]
    return live


def _needed(graph: Graph, mask: np.ndarray) -> np.ndarray:
    """Readers from which a path leads to the logits, ``[position, reader]``."""
    needed = np.zeros((len(mask), mask.shape[2]), bool)
    needed[-1, -1] = True
    for layer in reversed(range(graph.n_layers)):
        for kind in reversed(LAYER_READERS):
            readers = graph.readers(layer, kind)
            for reader in range(readers.start, readers.stop):
                fed = _dependent(graph, reader)
                read: np.ndarray = np.any(mask[:, fed] & needed[:, None, :], axis=(1, 2))  # [position]
                if kind in ("k", "v"):
                    read = np.logical_or.accumulate(read[::-1])[::-1]
                needed[:, reader] = read
    return needed
