"""How few directions of a head's queries, keys and values carry what it does for the right label.

The queries of the last token and the keys and values of one token of each option (of the kind that the head looks at
most: label, text, end of line or bracket) are collected over prompts, their mean is subtracted, and only their part
in an r-dimensional subspace is put back:

    x' = mean + B Bᵀ (x − mean)

Scores and output of the head are computed anew with x', and all later layers run again. Heads that are changed
together are all changed. The part of the effect that is left is the recovered loss

    (L_resampled − L_low rank) / (L_resampled − L_full)

with L_resampled the loss when the heads' outputs come from another prompt with another right label.

Subspaces, all fitted on the same half of the questions:

    svd       the first r right singular vectors of the centred activations
    means     the span of the four places' means (four classes: at most 3 directions, whatever the head does)
    shuffled  the same after the places were shuffled over the prompts
    random    r random directions, several draws
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from core.labs.multiple_choice.inside.runs import Change, HeadInputs, LastToken, runs_of
from core.labs.multiple_choice.questions.questions import N_OPTIONS
from core.labs.multiple_choice.questions.tokens import Asked
from core.models.load import LoadedModel

Part = Literal["q", "k", "v"]
Fit = Literal["svd", "means", "shuffled", "random"]
Head = tuple[int, int]  # layer, head
RESTRICTED: tuple[tuple[Part, ...], ...] = (("q",), ("k",), ("q", "k"), ("v",))
PARTS: tuple[Part, ...] = ("q", "k", "v")
RANKS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64, 96, 128, 256)
CLASS_RANKS = (1, 2, 3)
RANDOM_DRAWS = 5


@dataclass(frozen=True, eq=False)
class Vectors:
    """A head's ``q`` float64 ``[prompt, d_head]`` at the last token, ``k`` and ``v`` ``[prompt, place, d_head]`` at one
    token of each option; ``site`` is the kind of that token."""

    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    site: str

    def flat(self, part: Part) -> np.ndarray:
        """One part as ``[sample, d_head]``."""
        return getattr(self, part).reshape(-1, self.q.shape[-1])

    def places(self, part: Part, answers: np.ndarray) -> np.ndarray:
        """The place of each sample: the right one for queries, the option's own for keys and values."""
        return answers if part == "q" else np.tile(np.arange(N_OPTIONS), len(answers))


def collect(model: LoadedModel, asked: Sequence[Asked], sites: Mapping[Head, str]) -> dict[Head, Vectors]:
    """Read the vectors of some heads in every prompt."""
    width, n = model.shape.d_head, len(asked)
    out = {
        head: Vectors(np.zeros((n, width)), np.zeros((n, N_OPTIONS, width)), np.zeros((n, N_OPTIONS, width)), site)
        for head, site in sites.items()
    }
    group = model.shape.n_heads // model.shape.n_kv_heads
    for i, last in runs_of(model, asked):
        for (layer, head), vectors in out.items():
            step, at = last.run.heads[layer], _at(asked[i], vectors.site)
            vectors.q[i] = step.q[last.row, head, -1].float().cpu().numpy()
            vectors.k[i] = step.k[last.row, head // group, at].float().cpu().numpy()
            vectors.v[i] = step.v[last.row, head // group, at].float().cpu().numpy()
    return out


@dataclass(frozen=True, eq=False)
class Subspace:
    """``mean`` ``[d_head]`` and orthonormal ``basis`` ``[d_head, rank]``."""

    mean: np.ndarray
    basis: np.ndarray

    def project(self, x: np.ndarray) -> np.ndarray:
        """Coordinates ``[..., rank]``."""
        return (x - self.mean) @ self.basis

    def keep(self, x: np.ndarray) -> np.ndarray:
        """What is left of vectors."""
        return self.mean + self.project(x) @ self.basis.T


def fit(
    vectors: Vectors, part: Part, answers: np.ndarray, how: Fit, rank: int, generator: np.random.Generator
) -> Subspace:
    """A subspace of at most ``rank`` directions. ``generator`` serves the shuffled and the random ones."""
    x, places = vectors.flat(part), vectors.places(part, answers)
    mean = x.mean(0)
    if how == "random":
        drawn, _ = np.linalg.qr(generator.standard_normal((x.shape[1], x.shape[1])))
        return Subspace(mean, drawn[:, :rank])
    if how == "shuffled":
        places = generator.permutation(places)
    rows = x - mean if how == "svd" else np.stack([x[places == i].mean(0) for i in np.unique(places)]) - mean
    _, _, directions = np.linalg.svd(rows, full_matrices=False)
    return Subspace(mean, directions[:rank].T)


@dataclass(frozen=True, eq=False)
class Restriction:
    """One row of a forward: what is done to each head, a subspace a part; parts that are not named stay."""

    heads: Mapping[Head, Mapping[Part, Subspace]]


@dataclass(frozen=True, eq=False)
class Maps:
    """Restrictions as affine maps, made once for all prompts. ``of[head][part]`` is ``(P, c)`` with ``x -> x P + c`` a
    row; ``sites[head]`` the kind of an option's token whose key and value are restricted."""

    of: Mapping[Head, Mapping[Part, tuple[Tensor, Tensor]]]
    sites: Mapping[Head, str]
    rows: int


def maps_of(rows: Sequence[Restriction], sites: Mapping[Head, str], model: LoadedModel) -> Maps:
    """Prepare restrictions for ``restricted``."""
    of = {
        head: {part: _maps([row.heads.get(head, {}).get(part) for row in rows], model) for part in PARTS}
        for head in sites
    }
    return Maps(of, sites, len(rows))


def restricted(last: LastToken, asked: Asked, maps: Maps) -> Tensor:
    """Final residual streams ``[row, d_model]`` of a prompt, each row under its restriction."""
    changes: dict[int, dict[int, Change]] = {}
    for (layer, head), site in maps.sites.items():
        changes.setdefault(layer, {})[head] = _change(maps.of[layer, head], _at(asked, site))
    return last.changed(changes, maps.rows)


def resampled(last: LastToken, heads: Sequence[Head], donor_z: Tensor) -> Tensor:
    """The final residual stream ``[1, d_model]`` when heads give out what they gave in another prompt.

    Args:
        donor_z: ``[layer, head, d_head]``.
    """

    def giving(z: Tensor) -> Change:
        return lambda inputs: z.expand(len(inputs.q), -1)

    changes: dict[int, dict[int, Change]] = {}
    for layer, head in heads:
        changes.setdefault(layer, {})[head] = giving(donor_z[layer, head][None])
    return last.changed(changes, 1)


def separation(
    train: Vectors, test: Vectors, part: Part, answers: tuple[np.ndarray, np.ndarray], how: Fit = "svd"
) -> float:
    """How often the nearest of the four places' means is the right one, in three directions: means and directions come
    from ``train``, the vectors judged are those of ``test``. Chance is a quarter."""
    space = fit(train, part, answers[0], how, 3, np.random.default_rng(0))
    known, asked = space.project(train.flat(part)), space.project(test.flat(part))
    places, wanted = train.places(part, answers[0]), test.places(part, answers[1])
    means = np.stack([known[places == i].mean(0) for i in range(N_OPTIONS)])
    nearest = ((asked[:, None] - means) ** 2).sum(-1).argmin(1)
    return float((nearest == wanted).mean())


def between(x: np.ndarray, groups: np.ndarray) -> float:
    """The share of the variance of ``x`` ``[sample, d_head]`` that lies between groups ``[sample]`` (in a sample of n,
    groups without meaning still hold about (groups − 1)/n)."""
    _, group = np.unique(groups, return_inverse=True)
    sizes = np.bincount(group)
    means = np.stack([x[group == i].mean(0) for i in range(len(sizes))]) - x.mean(0)
    return float((sizes * np.square(means).sum(1)).sum() / max(np.square(x - x.mean(0)).sum(), 1e-12))


def _at(asked: Asked, site: str) -> list[int]:
    """Positions of an option's token of one kind; where an option has none, that of its text."""
    found = [asked.place(site, i) for i in range(N_OPTIONS)]
    return [at if at >= 0 else asked.place("option", i) for i, at in enumerate(found)]


def _change(keep: Mapping[Part, tuple[Tensor, Tensor]], at: list[int]) -> Change:
    """The head's output with its parts restricted, row by row."""

    def change(inputs: HeadInputs) -> Tensor:
        q = _apply(keep["q"], inputs.q.float()[:, None])[:, 0]
        k, v = inputs.k.float().clone(), inputs.v.float().clone()
        k[:, at], v[:, at] = _apply(keep["k"], k[:, at]), _apply(keep["v"], v[:, at])
        return HeadInputs(q, k, v, inputs.mask, inputs.scaling, inputs.softcap).z()

    return change


def _maps(spaces: Sequence[Subspace | None], model: LoadedModel) -> tuple[Tensor, Tensor]:
    """``x -> x P + c`` for every row: ``P [row, d_head, d_head]``, ``c [row, d_head]``."""
    width = model.shape.d_head
    full = np.eye(width)
    maps = [full if s is None else s.basis @ s.basis.T for s in spaces]
    added = [np.zeros(width) if s is None else s.mean - s.mean @ m for s, m in zip(spaces, maps)]
    made = [torch.tensor(np.stack(x), dtype=torch.float32, device=model.device) for x in (maps, added)]
    return made[0], made[1]


def _apply(keep: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
    """Maps on vectors ``[row, sample, d_head]``."""
    return x @ keep[0] + keep[1][:, None]
