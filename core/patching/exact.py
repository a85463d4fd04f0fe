"""Exact activation patching of every node, as a wavefront.

Patching a node at position t changes nothing before t and nothing below its layer. So for each position the
sweep runs positions t.. only, reading earlier keys and values from the base run, and climbs the blocks once:
at block l the patches of layer l join a batch in which all earlier patches already travel. A joining patch
costs one block on one position (k and v: on the suffix, because every later query reads them).

Sign: effect = metric(patched run) - metric(base run). Noising patches donor activations of the corrupt run
into the clean run, denoising the reverse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.models.attention import AttentionPass, attention_pass
from core.models.load import LoadedModel
from core.patching.base_run import BaseRun, Watcher, watched_writes
from core.patching.forward import block_kwargs
from core.patching.progress import Progress
from core.patching.results import ModelShape
from core.runs.spec import NeuronSite, NodeKind

HEAD_KINDS = ("q", "k", "v", "z")
Read = Callable[[int, Tensor], Tensor]


@dataclass(frozen=True)
class Join:
    """Nodes of one kind that enter the wave at one layer."""

    layer: int
    kind: NodeKind
    units: tuple[int, ...]

    @property
    def order(self) -> tuple[int, bool]:
        """resid_pre enters before its block runs, everything else inside it."""
        return self.layer, self.kind != "resid_pre"


@dataclass(frozen=True)
class Batching:
    """Bounds on memory: tokens in one block call, and rows that climb together for each suffix token."""

    tokens_per_call: int
    tokens_per_wave: int

    @classmethod
    def for_model(cls, model: LoadedModel) -> Batching:
        """Calls small enough for a CPU's cache or large enough to fill a GPU; waves within a memory budget."""
        on_gpu = model.device.type == "cuda"
        budget = torch.cuda.mem_get_info(model.device)[0] // 8 if on_gpu else 2**28
        per_token = model.shape.d_model * model.dtype.itemsize
        widest = 4 * (model.shape.d_model + model.shape.d_mlp) * model.dtype.itemsize
        return cls(budget // widest if on_gpu else 768, budget // per_token)


@dataclass(frozen=True)
class Site:
    """One pair at one position: what a wave reads. ``row`` indexes the base run, ``donor_row`` the donor."""

    model: LoadedModel
    base: BaseRun
    row: int
    donor_row: int
    position: int
    batching: Batching

    @property
    def length(self) -> int:
        return self.base.inputs[0].shape[1]

    def attention(self, stop: int) -> AttentionPass:
        rows = slice(self.row, self.row + 1)
        return AttentionPass(self.base.prefix(rows, self.position), self.base.mask_rows(self.position, stop))


def exact_effects(
    model: LoadedModel,
    run: BaseRun,
    *,
    base_rows: Sequence[int],
    donor_rows: Sequence[int],
    starts: Sequence[int],
    read: Read,
    kinds: Sequence[NodeKind],
    neurons: Sequence[NeuronSite] = (),
    progress: Progress | None = None,
    batching: Batching | None = None,
) -> dict[NodeKind, np.ndarray]:
    """Effects of patching every node of the given kinds, one at a time.

    Args:
        run: base and donor runs, as rows of one ``BaseRun``.
        base_rows, donor_rows: per pair, its base and its donor in ``run``.
        starts: per pair, the first position at which it differs; effects before it are 0.
        read: metric of final residual streams of one pair, ``(pair, [row, d_model]) -> [row]``.
        neurons: which neurons, when ``kinds`` holds ``"neuron"``.

    Returns:
        kind -> float32 ``[pair, layer, position, unit]``; NaN for neurons not asked for.
    """
    shape, length = model.shape, run.inputs[0].shape[1]
    batching = batching or Batching.for_model(model)
    progress = progress or Progress(0)
    out = {kind: _empty(kind, len(base_rows), shape, length, neurons) for kind in kinds}
    with torch.no_grad():
        for position in range(min(starts), length):
            kwargs = block_kwargs(model, position, length), block_kwargs(model, position, position + 1)
            joins = plan(kinds, shape, position, length, neurons)
            for pair, (row, donor) in enumerate(zip(base_rows, donor_rows)):
                if position < starts[pair]:
                    continue
                site = Site(model, run, row, donor, position, batching)
                base_value = read(pair, run.inputs[-1][row : row + 1, -1])
                for wave in split(joins, max(1, batching.tokens_per_wave // (length - position))):
                    values = read(pair, climb(site, wave, *kwargs, progress)) - base_value
                    _store(out, pair, position, wave, values.float().cpu().numpy())
    return out


def _empty(kind: NodeKind, pairs: int, shape: ModelShape, length: int, neurons: Sequence[NeuronSite]) -> np.ndarray:
    effects = np.zeros((pairs, shape.n_layers, length, shape.units(kind)), np.float32)
    if kind == "neuron":
        effects[:] = np.nan
        for site in neurons:
            effects[:, site.layer, site.position, slice(None) if site.unit is None else site.unit] = 0
    return effects


def _store(out: dict[NodeKind, np.ndarray], pair: int, position: int, wave: list[Join], values: np.ndarray) -> None:
    done = 0
    for join in wave:
        out[join.kind][pair, join.layer, position, list(join.units)] = values[done : done + len(join.units)]
        done += len(join.units)


def plan(
    kinds: Sequence[NodeKind], shape: ModelShape, position: int, length: int, neurons: Sequence[NeuronSite] = ()
) -> list[Join]:
    """Nodes to patch at one position, in the order in which they join. In the last layer, only k and v reach
    the last position from an earlier one (and the residual stream, through them)."""
    joins = []
    for layer in range(shape.n_layers):
        for kind in kinds:
            if layer == shape.n_layers - 1 and position < length - 1 and kind not in ("k", "v", "resid_pre"):
                continue
            units = _neurons_at(neurons, layer, position, shape.d_mlp) if kind == "neuron" else range(shape.units(kind))
            if units:
                joins.append(Join(layer, kind, tuple(units)))
    return sorted(joins, key=lambda join: join.order)


def _neurons_at(neurons: Sequence[NeuronSite], layer: int, position: int, d_mlp: int) -> Sequence[int]:
    here = [site.unit for site in neurons if (site.layer, site.position) == (layer, position)]
    return range(d_mlp) if None in here else sorted({unit for unit in here if unit is not None})


def count(
    kinds: Sequence[NodeKind], shape: ModelShape, starts: Sequence[int], length: int, neurons: Sequence[NeuronSite] = ()
) -> int:
    """Number of patches a sweep over these pairs makes."""
    at = [sum(len(j.units) for j in plan(kinds, shape, position, length, neurons)) for position in range(length)]
    return sum(sum(at[start:]) for start in starts)


def split(joins: list[Join], max_rows: int) -> Iterator[list[Join]]:
    """Cut a plan into waves of at most ``max_rows`` rows, keeping the order."""
    wave: list[Join] = []
    room = max_rows
    for join in joins:
        units = join.units
        while units:
            wave.append(Join(join.layer, join.kind, units[:room]))
            room -= len(wave[-1].units)
            units = units[len(wave[-1].units) :]
            if room == 0:
                yield wave
                wave, room = [], max_rows
    if wave:
        yield wave


def climb(
    site: Site, wave: list[Join], suffix: list[dict[str, Any]], single: list[dict[str, Any]], progress: Progress
) -> Tensor:
    """Run one wave from its lowest patch to the top; final residual stream at the last position, a row a patch."""
    rows = sum(len(join.units) for join in wave)
    base = site.base.inputs
    hidden = base[0].new_empty(rows, site.length - site.position, site.model.shape.d_model)
    entered, pending = 0, list(wave)
    for layer in range(wave[0].layer, site.model.shape.n_layers):
        while pending and pending[0].order == (layer, False):
            entered += _enter_stream(site, pending.pop(0), hidden[entered:])
        if entered:
            _propagate(site, layer, hidden[:entered], suffix[layer], progress)
        while pending and pending[0].layer == layer:
            join = pending.pop(0)
            kwargs = suffix[layer] if join.kind in ("k", "v") else single[layer]
            entered += _enter_block(site, join, hidden[entered:], kwargs, progress)
    progress.advance(rows)
    return hidden[:, -1]


def _propagate(site: Site, layer: int, hidden: Tensor, kwargs: dict[str, Any], progress: Progress) -> None:
    block = site.model.parts.blocks[layer]
    with attention_pass(site.attention(site.length)):
        for chunk in hidden.split(max(1, site.batching.tokens_per_call // hidden.shape[1])):
            progress.check()
            chunk.copy_(block(chunk, **kwargs))


def _enter_stream(site: Site, join: Join, out: Tensor) -> int:
    """A patched residual stream: the base's with the donor's vector at the position."""
    stream = site.base.inputs[join.layer]
    out[0] = stream[site.row, site.position :]
    out[0, 0] = stream[site.donor_row, site.position]
    return 1


def _enter_block(site: Site, join: Join, out: Tensor, kwargs: dict[str, Any], progress: Progress) -> int:
    """Run the joining block with one node replaced a row; positions it cannot reach keep the base's values."""
    m, layer, t = len(join.units), join.layer, site.position
    stop = site.length if join.kind in ("k", "v") else t + 1
    out[:m] = site.base.inputs[layer + 1][site.row, t:]
    x = site.base.inputs[layer][site.row, t:stop]
    run = site.attention(stop)
    done = 0
    for units in torch.tensor(join.units, device=x.device).split(max(1, site.batching.tokens_per_call // (stop - t))):
        edit = partial(_replace, donor=_donor(site, join), units=units, kind=join.kind)
        run.edits = {join.kind: edit} if join.kind in HEAD_KINDS else {}
        watchers: dict[NodeKind, Watcher] = {} if join.kind in HEAD_KINDS else {join.kind: edit}
        progress.check()
        with attention_pass(run), watched_writes(site.model, watchers, len(units), layer):
            new = site.model.parts.blocks[layer](x.repeat(len(units), 1, 1), **kwargs)
        out[done : done + len(units), : stop - t] = new
        done += len(units)
    return m


def _donor(site: Site, join: Join) -> Tensor:
    """Donor activation at the position: ``[head, d_head]`` or ``[unit]``."""
    node = site.base.node(join.kind, join.layer)[site.donor_row]
    return node[:, site.position] if join.kind in HEAD_KINDS else node[site.position]


def _replace(x: Tensor, *, donor: Tensor, units: Tensor, kind: NodeKind) -> Tensor:
    """Copy of ``x`` whose row i holds the donor's value of node ``units[i]`` at the first position run."""
    rows = torch.arange(len(units))
    new = x.clone()
    if kind in HEAD_KINDS:
        new[rows, units, 0] = donor[units]
    elif kind == "neuron":
        new[rows, 0, units] = donor[units]
    else:
        new[:, 0] = donor
    return new
