"""Which pairs a model solves: it must prefer the answer when clean and the distractor when corrupt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.prompts.pairs import TokenPair, group_by_length, refuse_rest

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MARGIN = 0.5


def logit_differences(pairs: tuple[TokenPair, ...], hf: PreTrainedModel) -> dict[int, tuple[float, float]]:
    """Row -> logit(answer) − logit(distractor) after the clean and after the corrupt prompt; where several tokens count
    alike, their mean.

    Pairs of equal length run as one batch, so keep sets small; linked pairs are left out.

    Raises:
        PromptError: an answer is several tokens in a row.
    """
    import torch  # here, so that reading pairs does not wait for it

    refuse_rest(pairs, "the logit difference")
    differences = {}
    for group in group_by_length(tuple(pair for pair in pairs if pair.links is None)).values():
        prompts = [ids for pair in group for ids in (pair.clean_ids, pair.corrupt_ids)]
        with torch.no_grad():
            logits = hf(torch.tensor(prompts, device=hf.device)).logits[:, -1].float()  # [2 * pair, vocab]
        for i, pair in enumerate(group):
            clean, corrupt = logits[2 * i], logits[2 * i + 1]
            answer, distractor = list(pair.answer_ids), list(pair.distractor_ids)
            differences[pair.row] = (
                float(clean[answer].mean() - clean[distractor].mean()),
                float(corrupt[answer].mean() - corrupt[distractor].mean()),
            )
    return differences


def is_solved(clean: float, corrupt: float, *, margin: float = MARGIN) -> bool:
    """Whether both logit differences have their right sign, by at least ``margin``."""
    return clean > margin and corrupt < -margin
