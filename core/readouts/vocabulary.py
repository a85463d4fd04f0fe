"""What a node writes, in words of the vocabulary: which tokens its write makes likelier, and which less.

A write is what the node adds to the residual stream: the stream's change when the node is set to zero inside
its block, everything else kept. Its reading is the direct effect on the logits of the same position,

    logits(final stream) - logits(final stream without the write),

through the model's own final norm and unembedding, centred over the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.errors import SpecError
from core.models.attention import AttentionPass, attention_pass
from core.models.load import LoadedModel
from core.patching.base_run import BaseRun, Watcher, base_run, watched_writes
from core.patching.forward import block_kwargs, logits_at
from core.prompts.pairs import TokenPair
from core.prompts.tokens import token_texts
from core.terms import Direction, NodeKind

TokenShift = tuple[str, float]


@dataclass(frozen=True)
class VocabularyReadout:
    """Tokens whose logits the node raises and lowers most (logits, centred), strongest first."""

    promoted: tuple[TokenShift, ...]
    suppressed: tuple[TokenShift, ...]
    caption: str


def node_vocabulary(
    model: LoadedModel,
    pair: TokenPair,
    *,
    kind: NodeKind,
    layer: int,
    unit: int,
    position: int,
    direction: Direction = "noising",
    top: int = 10,
) -> VocabularyReadout:
    """Read one node's write in the base run (clean for noising, corrupt for denoising).

    Queries, keys and values write nothing themselves; for them the heads that use them are read. resid_pre is
    read as it stands (logit lens).

    Raises:
        SpecError: the model or the prompt has no such node.
    """
    own = pair.base_ids(direction)
    _check(model, len(own), kind, layer, unit, position)
    ids = torch.tensor([own], device=model.device)
    with torch.no_grad():
        run = base_run(model, ids, (kind,))
        if kind == "resid_pre":
            shift = logits_at(model, run.inputs[layer][:, position])[0]
        else:
            write, final = _write(model, run, kind, layer, unit, position), run.inputs[-1][0, position]
            both = logits_at(model, torch.stack([final, final - write]))
            shift = both[0] - both[1]
    shift = (shift - shift.mean()).float().cpu()
    return VocabularyReadout(
        promoted=_strongest(shift, top, model),
        suppressed=_strongest(-shift, top, model, sign=-1),
        caption=_caption(kind),
    )


def _strongest(shift: Tensor, top: int, model: LoadedModel, sign: int = 1) -> tuple[TokenShift, ...]:
    values, ids = shift.topk(top)
    texts = token_texts(ids.tolist(), model.tokenizer)
    return tuple((text, sign * value) for text, value in zip(texts, values.tolist()))


def _write(model: LoadedModel, run: BaseRun, kind: NodeKind, layer: int, unit: int, position: int) -> Tensor:
    if kind in ("attn_out", "mlp_out"):
        return run.writes[kind][layer][0, position]
    heads = range(unit, unit + 1)
    if kind in ("k", "v"):
        group = model.shape.n_heads // model.shape.n_kv_heads
        heads = range(unit * group, (unit + 1) * group)
    writes: list[Tensor] = []

    def zero_heads(z: Tensor) -> Tensor:
        new = z.clone()
        new[1, list(heads)] = 0
        return new

    def zero_neuron(hidden: Tensor) -> Tensor:
        new = hidden.clone()
        new[1, :, unit] = 0
        return new

    stored: NodeKind = "mlp_out" if kind == "neuron" else "attn_out"
    watchers: dict[NodeKind, Watcher] = {stored: lambda write: writes.append(write)}
    if kind == "neuron":
        watchers = {"neuron": zero_neuron, **watchers}
    attention = AttentionPass(run.prefix(slice(0, 1), position), run.mask_rows(position, position + 1))
    attention.edits = {} if kind == "neuron" else {"z": zero_heads}
    x = run.inputs[layer][:, position : position + 1].repeat(2, 1, 1)
    with attention_pass(attention), watched_writes(model, watchers, 2, layer):
        model.parts.blocks[layer](x, **block_kwargs(model, position, position + 1)[layer])
    return writes[0][0, 0] - writes[0][1, 0]


def _caption(kind: NodeKind) -> str:
    if kind == "resid_pre":
        return "Logit lens: the stream at this place, read through the final norm and unembedding."
    if kind in ("q", "k", "v"):
        return "A query, key or value writes nothing itself; this is what the heads that use it write here."
    return "Change of this position's own logits if the write were taken out of the final residual stream."


def _check(model: LoadedModel, length: int, kind: NodeKind, layer: int, unit: int, position: int) -> None:
    inside = 0 <= layer < model.shape.n_layers and 0 <= unit < model.shape.units(kind) and 0 <= position < length
    if not inside:
        raise SpecError(f"There is no {kind} node at layer {layer}, unit {unit}, position {position}.")
