"""Models made for chat that are asked without their chat template."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from core.prompts.doctor.beginning import once, unbegun
from core.prompts.doctor.finding import Case, Finding, Repair, with_texts
from core.prompts.pairs import PromptPair

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_FOR_CHAT = re.compile(r"(?<![a-z])(instruct|chat|it)(?![a-z])", re.IGNORECASE)
_STAND_IN = "ok"


def templates(case: Case) -> Iterator[Finding]:
    """Prompts that hold none of the marks of the model's chat template. That is no fault: the prompt is continued as
    any text is, and patching measures just that."""
    tokenizer = case.tokenizer
    if not tokenizer.chat_template or not _FOR_CHAT.search(case.model_name):
        return
    marks = _marks(tokenizer)
    for row, pair in case.pairs.items():
        given = pair.answer_ids or pair.distractor_ids  # other tokens would begin the reply
        if not any(mark in text for mark in marks for text in (pair.clean, pair.corrupt)):
            yield Finding(
                row,
                "template",
                "note",
                "The model is made for chat; outside its chat template it goes on with the prompt as with any text.",
                "Leave it so if that is what you study; else put both prompts into the template.",
                None if given else Repair("Put into the template", lambda pair: _wrapped(pair, tokenizer)),
            )


def _wrapped(pair: PromptPair, tokenizer: PreTrainedTokenizerBase) -> PromptPair:
    """Both prompts as a user's message; the answers are how the model's reply begins, so no space comes before them."""
    return replace(
        pair,
        clean=_rendered(pair.clean, tokenizer),
        corrupt=_rendered(pair.corrupt, tokenizer),
        answer=with_texts(pair.answer, str.lstrip),
        distractor=with_texts(pair.distractor, str.lstrip),
    )


def _rendered(text: str, tokenizer: PreTrainedTokenizerBase) -> str:
    message = [{"role": "user", "content": unbegun(text, tokenizer)}]
    return once(str(tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)), tokenizer)


def _marks(tokenizer: PreTrainedTokenizerBase) -> set[str]:
    """What tells a text that went through the template: its special tokens but BOS, or else what it puts in front."""
    shown = _rendered(_STAND_IN, tokenizer)
    ids = tokenizer(shown, add_special_tokens=False).input_ids
    named = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    specials = set(map(str, tokenizer.convert_ids_to_tokens(ids))) & named
    return {mark for mark in specials if mark != tokenizer.bos_token} or {shown.split(_STAND_IN)[0].strip()} - {""}
