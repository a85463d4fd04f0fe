"""Prompts as one model's tokens, each with what it is; or a refusal that names the row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import PromptError
from core.labs.multiple_choice.questions.layouts import Kind, Prompt
from core.prompts.align import MAX_TOKENS

Role = tuple[Kind | str, int]


@dataclass(frozen=True)
class Asked:
    """A prompt in tokens.

    Attributes:
        row: place among the questions it was made from.
        ids: the tokens; the model's next one is the label.
        kinds: per token its kind (``start`` for what the tokenizer adds) and the option it belongs to, or −1.
        labels: the labels' texts by place; ``label_ids`` the tokens that follow the prompt if they are the answer.
        answer: place of the right option.
    """

    row: int
    ids: tuple[int, ...]
    kinds: tuple[Role, ...]
    labels: tuple[str, ...]
    label_ids: tuple[int, ...]
    answer: int

    def __len__(self) -> int:
        return len(self.ids)

    def place(self, kind: str, option: int) -> int:
        """The last position of an option's tokens of one kind; −1 where it has none."""
        return max((i for i, found in enumerate(self.kinds) if found == (kind, option)), default=-1)


def tokenised(
    prompts: Sequence[Prompt], tokenizer: Any, *, rows: Sequence[int] | None = None, most: int = MAX_TOKENS
) -> tuple[Asked, ...]:
    """Every prompt in tokens.

    Args:
        rows: where the prompts' questions stand in their file; default: in order.
        most: longest prompt that is let through.

    Raises:
        PromptError: a label is not one token, labels cannot be told apart, a prompt is too long, or a word is unknown.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise PromptError("This model's tokenizer cannot say which text a token stands for.", where="--model")
    return tuple(_asked(prompt, tokenizer, row, most) for row, prompt in zip(rows or range(len(prompts)), prompts))


def _asked(prompt: Prompt, tokenizer: Any, row: int, most: int) -> Asked:
    where = f"row {row + 1}"
    text = prompt.text
    found = tokenizer(text, return_offsets_mapping=True, verbose=False)
    ids, spans = list(found["input_ids"]), list(found["offset_mapping"])
    while ids and ids[-1] in _ends(tokenizer):
        ids, spans = ids[:-1], spans[:-1]
    if len(ids) > most:
        raise PromptError(
            f"The prompt has {len(ids)} tokens; at most {most} fit.", where=where, next_step="Shorten it."
        )
    if tokenizer.unk_token_id is not None and tokenizer.unk_token_id in ids:
        raise PromptError(
            "The model does not know one of the words.", where=where, next_step="Use words that it knows."
        )
    label_ids = tuple(_next_token(text, prompt.space + label, ids, tokenizer, where) for label in prompt.labels)
    if len(set(label_ids)) < len(label_ids):
        raise PromptError("Two labels begin with the same token.", where=where)
    return Asked(row, tuple(ids), _kinds(prompt, spans), prompt.labels, label_ids, prompt.answer)


def _next_token(text: str, label: str, ids: list[int], tokenizer: Any, where: str) -> int:
    after = list(tokenizer(text + label, verbose=False)["input_ids"])
    while after and after[-1] in _ends(tokenizer):
        after = after[:-1]
    if after[:-1] == ids and after[-1] != tokenizer.unk_token_id:
        return int(after[-1])
    alone = [t for t in tokenizer(label, add_special_tokens=False)["input_ids"] if t != tokenizer.unk_token_id]
    if len(alone) != 1:
        raise PromptError(f"The label {label.strip()!r} is not one token of this model.", where=where)
    return int(alone[0])


def _ends(tokenizer: Any) -> set[int]:
    """The end-of-text token, where the tokenizer adds one after every text."""
    return {tokenizer.eos_token_id} - {None} if getattr(tokenizer, "add_eos_token", False) else set()


def _kinds(prompt: Prompt, spans: list[tuple[int, int]]) -> tuple[Role, ...]:
    """Each token's kind: that of the piece with which it shares most characters; of labels, any that holds one."""
    owners: list[tuple[Kind, int]] = []
    for piece in prompt.pieces:
        owners += [(piece.kind, piece.option)] * len(piece.text)
    kinds: list[Role] = []
    for start, stop in spans:
        here = owners[start:stop]
        labels = [owner for owner in here if owner[0] == "label"]
        kinds.append(labels[0] if labels else max(here, key=here.count) if here else ("start", -1))
    return tuple(kinds)
