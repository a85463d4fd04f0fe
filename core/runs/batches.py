"""How a run's pairs are cut into forwards that fit into memory, and how many steps each takes."""

from __future__ import annotations

from core.models.load import LoadedModel
from core.patching.donors.fixed import start_of
from core.patching.plan import count
from core.patching.spec import NeuronSite, RunSpec
from core.prompts.pairs import TokenPair

BATCH_BYTES = 2**30  # activations held at once by the base runs, or by a stack of cotangents


def sites_of(spec: RunSpec, length: int) -> tuple[NeuronSite, ...]:
    """Neuron sites with positions counted from the start."""
    return tuple(NeuronSite(s.layer, s.position % length, s.unit) for s in spec.neurons)


def steps_of(spec: RunSpec, model: LoadedModel, pairs: tuple[TokenPair, ...]) -> int:
    """Patches of an exact sweep, layers of an estimate."""
    if spec.method != "exact":
        return model.shape.n_layers
    length = len(pairs[0].base_ids(spec.direction))
    starts = [start_of(pair, spec.donor) for pair in pairs]
    return count(spec.nodes, model.shape, starts, length, sites_of(spec, length))


def longest(pairs: tuple[TokenPair, ...]) -> int:
    """Tokens of the longest forward: a prompt and what is forced after it."""
    return max(len(ids) + len(pair.rest_ids) for pair in pairs for ids in (pair.clean_ids, pair.corrupt_ids))


def cut(spec: RunSpec, model: LoadedModel, pairs: tuple[TokenPair, ...]) -> list[tuple[TokenPair, ...]]:
    """Cut a group so that the activations of one batch fit into ``BATCH_BYTES``."""
    shape, length = model.shape, longest(pairs)
    wide = 4 * shape.d_model + 2 * shape.d_mlp
    held = 2 * shape.n_layers * length * (4 * shape.d_model + (shape.d_mlp if "neuron" in spec.nodes else 0))
    drops = shape.n_layers if spec.method in ("atp-graddrop", "atp-star") else 1
    stacked = drops * (length - min(start_of(p, spec.donor) for p in pairs)) * wide
    size = max(1, BATCH_BYTES // (4 * max(held, stacked)))
    return [pairs[i : i + size] for i in range(0, len(pairs), size)]
