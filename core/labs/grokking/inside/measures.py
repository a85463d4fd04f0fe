"""Progress measures of kept checkpoints, off the training path (Nanda et al. 2023; see ``fourier``)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from core.labs.grokking.inside.fourier import excluded_loss, frequency_norms, gini, restricted_loss, spectrum
from core.labs.grokking.tasks import Task
from core.labs.grokking.training.net import logits, neurons, views
from core.labs.grokking.training.row import Run, training_examples
from core.labs.grokking.training.sizes import Net
from core.labs.grokking.training.train import Record

AT_ONCE = 4096  # pairs


def table_of(net: Net, weights: np.ndarray, task: Task, *, what: str = "logits") -> np.ndarray:
    """Logits [x, y, c] or neurons' activations [x, y, neuron] of one run on the whole table of a modular task.

    Args:
        weights: [1, size].
        what: ``logits`` or ``neurons``.
    """
    read = {"logits": logits, "neurons": neurons}[what]
    x, y, flat = torch.tensor(task.x), torch.tensor(task.y), torch.tensor(weights)
    with torch.no_grad():
        parts = [read(net, flat, x[i : i + AT_ONCE], y[i : i + AT_ONCE])[0] for i in range(0, len(task), AT_ONCE)]
    return torch.cat(parts).numpy().reshape(task.p, task.p, -1)


def embedding(net: Net, weights: np.ndarray) -> np.ndarray:
    """What stands for each symbol [p, d_model] in the weights [1, size] of one run."""
    return views(net, torch.tensor(weights))["embed"][0, : net.p].numpy()


def neuron_to_logits(net: Net, weights: np.ndarray) -> np.ndarray:
    """What a unit of each neuron adds to each answer's logit [p, neuron]."""
    parts = views(net, torch.tensor(weights))
    return (parts["w_out"][0] @ parts["unembed"][0]).T.numpy()


def measure(record: Record) -> pd.DataFrame:
    """One row a run and checkpoint.

    Columns: run, step, trig_fraction, restricted_loss, excluded_loss, gini_embedding, gini_neurons; and ``keys``,
    the key frequencies of the run's last checkpoint, as text.
    """
    rows = []
    for i, run in enumerate(record.row.runs):
        keys = spectrum(table_of(record.row.net, record.final[i : i + 1], record.row.task)).keys()
        for step, weights in zip(record.row.kept_at, record.kept[i]):
            values = _measures(record.row.net, record.row.task, run, weights[None], keys)
            rows.append({"run": i, "step": step, **values, "keys": " ".join(map(str, sorted(keys)))})
    return pd.DataFrame(rows)


def _measures(net: Net, task: Task, run: Run, weights: np.ndarray, keys: tuple[int, ...]) -> dict[str, float]:
    found = table_of(net, weights, task)
    here = spectrum(found)
    return {
        "trig_fraction": here.fraction,
        "restricted_loss": restricted_loss(found, keys),
        "excluded_loss": excluded_loss(found, keys, training_examples(task, run)),
        "gini_embedding": gini(frequency_norms(embedding(net, weights))),
        "gini_neurons": gini(frequency_norms(neuron_to_logits(net, weights))),
    }


def final_fractions(record: Record) -> dict[int, float]:
    """Trig fraction of every run that learned the true labels, at its end, by the run's number."""
    net, task = record.row.net, record.row.task
    return {
        i: spectrum(table_of(net, record.final[i : i + 1], task)).fraction
        for i, run in enumerate(record.row.runs)
        if run.labels == "true"
    }
