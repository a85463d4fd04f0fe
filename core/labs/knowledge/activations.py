"""Last-token residuals of contrast pairs, every layer in one pass.

The two prompts of a pair are the same up to the answer, and many pairs start alike, so a batch runs in three stages,
each going on from the keys and values of the one before: what all its prompts begin with (once), the rest of each
pair up to the answer, and the two endings. Batches hold equal numbers of tokens: nothing is padded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import PromptError
from core.models.attention import AttentionPass, AttentionStep, attention_pass
from core.models.load import LoadedModel
from core.patching.forward import logits_at
from core.progress import IsCancelled, OnStep, Progress

BATCH = 32
MOST_TOKENS = 512
KeyValues = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class TokenisedPair:
    """A contrast pair in tokens: what both prompts share, and each one's ending (at least one token)."""

    shared: tuple[int, ...]
    endings: tuple[tuple[int, ...], tuple[int, ...]]

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Tokens of the shared part and of both endings; pairs of equal sizes can run as one batch."""
        return len(self.shared), len(self.endings[0]), len(self.endings[1])


def tokenise(model: LoadedModel, prompts: Sequence[tuple[str, str]]) -> list[TokenisedPair]:
    """Every pair in tokens.

    Raises:
        PromptError: a pair is too long, or its prompts do not part within the answer.
    """
    limit = min(MOST_TOKENS, model.max_tokens)
    return [_tokenised(model, pair, row, limit) for row, pair in enumerate(prompts)]


def _tokenised(model: LoadedModel, prompts: tuple[str, str], row: int, limit: int) -> TokenisedPair:
    first, second = (tuple(model.tokenizer(prompt).input_ids) for prompt in prompts)
    if max(len(first), len(second)) > limit:
        raise PromptError(
            f"The prompt has {max(len(first), len(second))} tokens; at most {limit} are read.",
            where=f"row {row + 1}",
            next_step="Shorten the text, or leave the row out.",
        )
    n = _common([first, second])
    if n in (0, len(first), len(second)):
        raise PromptError(
            "The two answers look the same to the model, or one begins with the other.",
            where=f"row {row + 1}",
            next_step="Choose answers that begin with different tokens.",
        )
    return TokenisedPair(first[:n], (first[n:], second[n:]))


def _common(sequences: Sequence[tuple[int, ...]]) -> int:
    """How many tokens all of them begin with."""
    first, last = min(sequences), max(sequences)
    return next((i for i, (a, b) in enumerate(zip(first, last)) if a != b), min(len(first), len(last)))


def n_layers_stored(model: LoadedModel) -> int:
    """Layers of an activation array: 0 is the embedding, ``l`` what block ``l`` leaves, before the final norm."""
    return model.shape.n_layers + 1


def extract(
    model: LoadedModel,
    pairs: Sequence[TokenisedPair],
    residuals: np.ndarray,
    answers: np.ndarray,
    done: np.ndarray,
    *,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
) -> None:
    """Fill the arrays for all pairs that are not done; cut off, it goes on from what is done.

    Args:
        residuals: float32 ``[pair, 2, layer, d_model]``, last token, before any normalisation.
        answers: float32 ``[pair]``: log-probability of the second ending's first token minus the first ending's,
            at the last shared token: what the model itself would answer.
        done: bool ``[pair]``.
    """
    progress = Progress(len(pairs), on_step, cancelled, done=int(done.sum()))
    progress.advance(0)
    masks = masks_for(model, max((sum(pair.sizes[:1]) + max(pair.sizes[1:]) for pair in pairs), default=1))
    for rows in _batches(pairs, np.flatnonzero(~done)):
        ends, difference = _run_batch(model, [pairs[i] for i in rows], masks)
        residuals[rows], answers[rows] = ends, difference
        done[rows] = True
        progress.advance(len(rows))


def _batches(pairs: Sequence[TokenisedPair], rows: np.ndarray) -> Iterator[list[int]]:
    """Rows of equal sizes, those that begin alike together."""
    ordered = sorted(rows.tolist(), key=lambda i: (pairs[i].sizes, pairs[i].shared))
    start = 0
    for stop in range(1, len(ordered) + 1):
        full = stop - start == BATCH
        if stop == len(ordered) or full or pairs[ordered[stop]].sizes != pairs[ordered[start]].sizes:
            yield ordered[start:stop]
            start = stop


def _run_batch(model: LoadedModel, pairs: list[TokenisedPair], masks: list[Tensor]) -> tuple[np.ndarray, np.ndarray]:
    shared = torch.tensor([pair.shared for pair in pairs], device=model.device)
    head = min(_common([pair.shared for pair in pairs]), shared.shape[1] - 1) if len(pairs) > 1 else 0
    earlier: KeyValues | None = None
    if head:
        earlier = continue_from(model, shared[:1, :head], None, masks).keys_values
    body = continue_from(model, shared[:, head:], earlier, masks)
    first = [torch.tensor([pair.endings[side][0] for pair in pairs], device=model.device) for side in (0, 1)]
    with torch.no_grad():
        logits = logits_at(model, body.last[-1]).float()
    difference = logits.gather(1, first[1][:, None]) - logits.gather(1, first[0][:, None])
    ends = []
    for side in (0, 1):
        ids = torch.tensor([pair.endings[side] for pair in pairs], device=model.device)
        ends.append(torch.stack(continue_from(model, ids, body.keys_values, masks).last, dim=1))
    both = torch.stack(ends, dim=1).float().cpu().numpy()  # [pair, 2, layer, d_model]
    return both, difference[:, 0].cpu().numpy()


@dataclass
class Stage:
    """Keys and values of all positions so far, and the last position's residual at every layer."""

    keys_values: KeyValues = field(default_factory=list)
    last: list[Tensor] = field(default_factory=list)


def continue_from(model: LoadedModel, ids: Tensor, earlier: KeyValues | None, masks: list[Tensor]) -> Stage:
    """Run ``ids`` ``[row, position]`` after positions whose keys and values are given."""
    start = earlier[0][0].shape[2] if earlier else 0
    stop = start + ids.shape[1]
    stage = Stage()

    def keep(step: AttentionStep) -> None:
        stage.keys_values.append((step.k, step.v))

    rows = [mask[:, :, start:stop, :stop] for mask in masks]
    attention = AttentionPass(prefix=earlier, mask=rows, record=keep)
    positions = torch.arange(start, stop, device=model.device)[None]
    with torch.no_grad(), attention_pass(attention), _last_residuals(model, stage.last):
        model.hf.base_model(input_ids=ids, position_ids=positions, use_cache=False)
    return stage


@contextmanager
def _last_residuals(model: LoadedModel, kept: list[Tensor]) -> Iterator[None]:
    """Append the last position of what each block reads, and of what the last one leaves."""

    def before(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        kept.append(args[0][:, -1])

    def after(_: nn.Module, __: tuple[Tensor, ...], out: Tensor) -> None:
        kept.append(out[:, -1])

    handles = [block.register_forward_pre_hook(before) for block in model.parts.blocks]
    handles.append(model.parts.blocks[-1].register_forward_hook(after))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def masks_for(model: LoadedModel, length: int) -> list[Tensor]:
    """Each layer's additive mask for a prompt of this length, as the model itself makes it."""
    seen: list[Tensor] = []
    ids = torch.zeros(1, length, dtype=torch.long, device=model.device)
    with torch.no_grad(), attention_pass(AttentionPass(record=lambda step: seen.append(step.mask))):
        model.hf.base_model(input_ids=ids, use_cache=False)
    return seen


@dataclass(frozen=True)
class Activations:
    """What ``extract`` filled, as read back; memory-mapped, so that one layer can be had without the others."""

    residuals: np.ndarray
    answers: np.ndarray

    def layer(self, layer: int) -> np.ndarray:
        """float32 ``[2, item, d_model]``: the pairs at one layer, false-label answer first."""
        return np.ascontiguousarray(self.residuals[:, :, layer].transpose(1, 0, 2), dtype=np.float32)


FILES = {"residuals": "residuals.npy", "answers": "answers.npy", "done": "done.npy"}


def open_arrays(folder: Path, n: int, layers: int, d_model: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three arrays of ``extract`` as files below a folder; those that are there are gone on with."""
    folder.mkdir(parents=True, exist_ok=True)
    shapes = {"residuals": (n, 2, layers, d_model), "answers": (n,), "done": (n,)}
    found = []
    for name, shape in shapes.items():
        path = folder / FILES[name]
        dtype = np.dtype(bool if name == "done" else np.float32)
        try:
            array = np.load(path, mmap_mode="r+", allow_pickle=False)
            sound = array.shape == shape and array.dtype == dtype
        except (OSError, ValueError):
            sound = False
        if not sound:
            array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
        found.append(array)
    return found[0], found[1], found[2]
