"""Exact activation patching of every node, as a wavefront.

Patching a node at position t changes nothing before t and nothing below its layer. So for each position the
sweep runs positions t.. only, reading earlier keys and values from the base run, and climbs the blocks once:
at block l the patches of layer l join a batch in which all earlier patches already travel. A joining patch
costs one block on one position (k and v: on the suffix, because every later query reads them).

Sign: effect = metric(patched run) - metric(base run). Noising patches donor activations of the corrupt run
into the clean run, denoising the reverse. Zeros or means may stand for them (``core.patching.donors``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.models.attention import AttentionPass, attention_pass
from core.models.load import LoadedModel
from core.patching.base_run import BaseRun, Watcher, watched_writes
from core.patching.forward import block_kwargs
from core.patching.nodes import Nodes
from core.patching.plan import Join, plan, plan_of, split
from core.patching.spec import NeuronSite
from core.progress import Progress
from core.terms import HEAD_KINDS, ModelShape, NodeKind

CPU_CALL = 512  # tokens: wide enough for the matrix products, narrow enough for a core's cache
Read = Callable[[int, Tensor], Tensor]
Edit = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Batching:
    """Bounds on memory: tokens in one block call, and rows that climb together for each suffix token."""

    tokens_per_call: int
    tokens_per_wave: int

    @classmethod
    def for_model(cls, model: LoadedModel, length: int, share: float = 1.0) -> Batching:
        """Calls small enough for a CPU's cache or large enough to fill a GPU; waves within a memory budget.

        Args:
            share: of the usual bounds, after memory ran out.
        """
        shape, on_gpu = model.shape, model.device.type == "cuda"
        budget = torch.cuda.mem_get_info(model.device)[0] // 8 if on_gpu else 2**28
        per_token = shape.d_model * model.dtype.itemsize
        widest = 4 * (shape.d_model + shape.d_mlp) * model.dtype.itemsize + 12 * shape.n_heads * length
        call = budget // widest if on_gpu else CPU_CALL
        return cls(max(1, int(call * share)), max(1, int(budget // per_token * share)))


@dataclass(frozen=True)
class Site:
    """One pair at one position: what a wave reads. ``row`` indexes the base run, ``donor_row`` the donors."""

    model: LoadedModel
    base: BaseRun
    donors: BaseRun
    row: int
    donor_row: int
    position: int
    batching: Batching

    @property
    def length(self) -> int:
        return self.base.length

    def calls(self, rows: Tensor, tokens: int) -> tuple[Tensor, ...]:
        """Cut rows of so many tokens each into equal block calls."""
        calls = -(-len(rows) * tokens // self.batching.tokens_per_call)
        return rows.tensor_split(max(1, min(len(rows), calls)))

    def attention(self, stop: int) -> AttentionPass:
        """Attention of a call on positions up to ``stop``, continuing from the base run's earlier ones."""
        return AttentionPass(self._prefix, self._masks[stop])

    @cached_property
    def _prefix(self) -> list[tuple[Tensor, Tensor]]:
        return self.base.prefix(slice(self.row, self.row + 1), self.position)

    @cached_property
    def _masks(self) -> dict[int, list[Tensor]]:
        return {stop: self.base.mask_rows(self.position, stop) for stop in (self.position + 1, self.length)}


def exact_effects(
    model: LoadedModel,
    run: BaseRun,
    *,
    base_rows: Sequence[int],
    donor_rows: Sequence[int],
    starts: Sequence[int],
    read: Read,
    kinds: Sequence[NodeKind],
    donors: BaseRun | None = None,
    neurons: Sequence[NeuronSite] = (),
    progress: Progress | None = None,
    batching: Batching | None = None,
) -> dict[NodeKind, np.ndarray]:
    """Effects of patching every node of the given kinds, one at a time.

    Args:
        run: the base runs, and the donors too unless ``donors`` holds them (at the base's positions).
        base_rows, donor_rows: per pair, its base and its donor.
        starts: per pair, the first position at which a patch changes anything; effects before it are 0.
        read: metric of final residual streams of one pair, ``(pair, [row, d_model]) -> [row]``; where answer tokens
            follow the prompt, of all positions that ``BaseRun.final`` gives.
        neurons: which neurons, when ``kinds`` holds ``"neuron"``.

    Returns:
        kind -> float32 ``[pair, layer, position, unit]``; NaN for neurons not asked for.
    """
    shape, length = model.shape, run.length
    batching = batching or Batching.for_model(model, length)
    progress = progress or Progress(0)
    out = {kind: _empty(kind, len(base_rows), shape, run.prompt, neurons) for kind in kinds}
    for position in range(min(starts), run.prompt):
        kwargs = block_kwargs(model, position, length), block_kwargs(model, position, position + 1)
        joins = plan(kinds, shape, position, run.prompt, neurons)
        for pair, (row, donor) in enumerate(zip(base_rows, donor_rows)):
            if position < starts[pair]:
                continue
            site = Site(model, run, donors or run, row, donor, position, batching)
            for wave, values in _waves(site, joins, kwargs, partial(read, pair), progress):
                _store(out, pair, position, wave, values)
    return out


def node_effects(
    model: LoadedModel,
    run: BaseRun,
    nodes: Nodes,
    *,
    base_row: int,
    donor_row: int,
    start: int,
    read: Callable[[Tensor], Tensor],
    donors: BaseRun | None = None,
    progress: Progress | None = None,
    batching: Batching | None = None,
) -> np.ndarray:
    """Effects of patching each of a list of nodes in one pair, float32 ``[node]``.

    Arguments as in ``exact_effects``; ``read`` is bound to the pair. Effects before ``start`` are 0.
    """
    length, out = run.length, np.zeros(len(nodes), np.float32)
    batching, progress = batching or Batching.for_model(model, length), progress or Progress(0)
    for position in np.unique(nodes.position[nodes.position >= start]).tolist():
        kwargs = block_kwargs(model, position, length), block_kwargs(model, position, position + 1)
        here = np.flatnonzero(nodes.position == position)
        joins, order = plan_of(nodes.take(here))
        site = Site(model, run, donors or run, base_row, donor_row, position, batching)
        values = [found for _, found in _waves(site, joins, kwargs, read, progress)]
        out[here[order]] = np.concatenate(values)
    return out


def _waves(
    site: Site, joins: list[Join], kwargs: tuple[Any, Any], read: Callable[[Tensor], Tensor], progress: Progress
) -> Iterator[tuple[list[Join], np.ndarray]]:
    """The waves of a plan at one position, each with its effects in the order of its rows."""
    for wave in split(joins, max(1, site.batching.tokens_per_wave // (site.length - site.position))):
        with torch.inference_mode():
            base_value = read(site.base.final(site.base.inputs[-1][site.row : site.row + 1]))
            values = (read(climb(site, wave, *kwargs, progress)) - base_value).float().cpu().numpy()
        yield wave, values


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


def climb(
    site: Site, wave: list[Join], suffix: list[dict[str, Any]], single: list[dict[str, Any]], progress: Progress
) -> Tensor:
    """Run one wave from its lowest patch to the top; final residual streams where they are read, patch by patch."""
    rows = sum(len(join.units) for join in wave)
    hidden = site.base.inputs[0].new_empty(rows, site.length - site.position, site.model.shape.d_model)
    entering: dict[tuple[int, int], list[Join]] = {}
    for join in wave:
        entering.setdefault((join.layer, join.stage), []).append(join)
    entered = 0
    for layer in range(wave[0].layer, site.model.shape.n_layers):
        if (layer, 0) in entering:
            entered += _enter_stream(site, layer, hidden[entered])
        if entered:
            propagate(site, layer, hidden[:entered], suffix[layer], progress)
        for stage, kwargs, stop in ((1, single, site.position + 1), (2, suffix, site.length)):
            if joins := entering.get((layer, stage)):
                entered += enter_block(site, joins, hidden[entered:], kwargs[layer], stop, progress)
    progress.advance(rows)
    return site.base.final(hidden)


def propagate(site: Site, layer: int, hidden: Tensor, kwargs: dict[str, Any], progress: Progress) -> None:
    block = site.model.parts.blocks[layer]
    with attention_pass(site.attention(site.length)):
        for chunk in site.calls(hidden, hidden.shape[1]):
            progress.check()
            chunk.copy_(block(chunk, **kwargs))


def _enter_stream(site: Site, layer: int, out: Tensor) -> int:
    """A patched residual stream: the base's with the donor's vector at the position."""
    out[:] = site.base.inputs[layer][site.row, site.position :]
    out[0] = site.donors.inputs[layer][site.donor_row, site.position]
    return 1


def enter_block(
    site: Site, joins: list[Join], out: Tensor, kwargs: dict[str, Any], stop: int, progress: Progress
) -> int:
    """Run the joining block on positions up to ``stop`` with one node replaced a row; later positions keep the
    base's values, which these patches do not reach."""
    layer, t = joins[0].layer, site.position
    nodes = [(join.kind, unit) for join in joins for unit in join.units]
    out[: len(nodes)] = site.base.inputs[layer + 1][site.row, t:]
    x = site.base.inputs[layer][site.row, t:stop]
    run, done = site.attention(stop), 0
    for rows in site.calls(torch.arange(len(nodes)), stop - t):
        edits = _edits(site, layer, nodes[done : done + len(rows)])
        run.edits = {kind: edit for kind, edit in edits.items() if kind in HEAD_KINDS}
        watchers: dict[NodeKind, Watcher] = {kind: edit for kind, edit in edits.items() if kind not in HEAD_KINDS}
        progress.check()
        with attention_pass(run), watched_writes(site.model, watchers, len(rows), layer):
            new = site.model.parts.blocks[layer](x.repeat(len(rows), 1, 1), **kwargs)
        out[done : done + len(rows), : stop - t] = new
        done += len(rows)
    return len(nodes)


def _edits(site: Site, layer: int, nodes: list[tuple[NodeKind, int]]) -> dict[NodeKind, Edit]:
    """For each kind, the function that puts the donor's node into its row."""
    edits: dict[NodeKind, Edit] = {}
    for kind in {kind for kind, _ in nodes}:
        rows = torch.tensor([row for row, node in enumerate(nodes) if node[0] == kind])
        units = torch.tensor([unit for other, unit in nodes if other == kind])
        edits[kind] = partial(_replace, donor=_donor(site, kind, layer), rows=rows, units=units, kind=kind)
    return edits


def _donor(site: Site, kind: NodeKind, layer: int) -> Tensor:
    """Donor activation at the position: ``[head, d_head]`` or ``[unit]``."""
    node = site.donors.node(kind, layer)[site.donor_row]
    return node[:, site.position] if kind in HEAD_KINDS else node[site.position]


def _replace(x: Tensor, *, donor: Tensor, rows: Tensor, units: Tensor, kind: NodeKind) -> Tensor:
    """Copy of ``x`` in which row ``rows[i]`` holds the donor's value of node ``units[i]`` (first position run)."""
    new = x.clone()
    if kind in HEAD_KINDS:
        new[rows, units, 0] = donor[units.to(donor.device)]
    elif kind == "neuron":
        new[rows, 0, units] = donor[units.to(donor.device)]
    else:
        new[rows, 0] = donor
    return new
