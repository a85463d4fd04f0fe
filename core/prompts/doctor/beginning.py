"""The beginning-of-text token (BOS): twice where the text holds one and the tokenizer adds another, or missing.

Whether a model was trained with one is read off its tokenizer, which does not always say; so a finding says how sure
it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from core.prompts.doctor.finding import Case, Finding, Repair, Severity
from core.prompts.pairs import PromptPair

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NAMES = {"<s>", "<bos>", "[BOS]", "<|bos|>", "<|begin_of_text|>", "<|startoftext|>", "<|begin▁of▁sentence|>"}


def beginnings(case: Case) -> Iterator[Finding]:
    """Prompts that begin with more than one BOS, and prompts without one where the model expects it."""
    tokenizer = case.tokenizer
    if tokenizer.bos_token is None:
        return
    added, missing = adds_bos(tokenizer), _why_missing(tokenizer)
    for row, pair in case.pairs.items():
        counts = [added + _written(text, tokenizer) for text in (pair.clean, pair.corrupt)]
        if max(counts) > 1:
            yield _twice(row, added, tokenizer)
        elif min(counts) == 0 and missing is not None:
            severity, reason = missing
            yield Finding(
                row,
                "bos",
                severity,
                f"A prompt begins without {tokenizer.bos_token}. {reason}",
                f"Write {tokenizer.bos_token} at the head of both prompts.",
                Repair("Add it", lambda pair: _both(pair, lambda prompt: _begun(prompt, tokenizer))),
            )


def adds_bos(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the tokenizer puts a BOS before every text by itself."""
    bos = [tokenizer.bos_token_id]
    bare = list(tokenizer("a", add_special_tokens=False).input_ids)
    return list(tokenizer("a").input_ids)[:1] == bos != bare[:1]


def once(text: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """A text in which no BOS is written beside the one it begins with; none is added."""
    if tokenizer.bos_token is None or not _written(text, tokenizer):
        return text
    return ("" if adds_bos(tokenizer) else tokenizer.bos_token) + unbegun(text, tokenizer)


def unbegun(text: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """A text without the BOS written at its head."""
    return text if tokenizer.bos_token is None else _head(tokenizer).sub("", text, count=1)


def _twice(row: int, added: bool, tokenizer: PreTrainedTokenizerBase) -> Finding:
    how = "it is written there, and the tokenizer adds another" if added else "it is written there more than once"
    return Finding(
        row,
        "bos",
        "error",
        f"A prompt begins with {tokenizer.bos_token} twice: {how}. No text that the model was trained on begins so.",
        f"Leave {tokenizer.bos_token} out of the text." if added else f"Write {tokenizer.bos_token} once.",
        Repair("Keep one", lambda pair: _both(pair, lambda prompt: once(prompt, tokenizer))),
    )


def _why_missing(tokenizer: PreTrainedTokenizerBase) -> tuple[Severity, str] | None:
    """Why prompts should begin with a BOS that the tokenizer does not add, and how sure that is; None: no reason."""
    if adds_bos(tokenizer):
        return None
    configured = getattr(tokenizer, "init_kwargs", {}).get("add_bos_token")
    if configured:
        return "warning", "The tokenizer's configuration says that it adds one, but it does not: this is certain."
    if re.search(r"\{\{-?\s*bos_token", str(tokenizer.chat_template or "")):
        return "warning", "The model's chat template begins with it, so the model was most likely trained with it."
    others = {tokenizer.eos_token, tokenizer.unk_token, tokenizer.pad_token}
    if tokenizer.bos_token not in NAMES - others:
        return None
    if configured is None:
        return "warning", "The tokenizer has this token for nothing else, so the model was likely trained with it."
    return "note", "The tokenizer's configuration says not to add one, so the model may well have been trained without."


def _head(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str]:
    return re.compile(rf"\A(\s*{re.escape(str(tokenizer.bos_token))})+")


def _written(text: str, tokenizer: PreTrainedTokenizerBase) -> int:
    """How many BOS are written at the head of a text."""
    head = _head(tokenizer).match(text)
    return head[0].count(str(tokenizer.bos_token)) if head else 0


def _begun(text: str, tokenizer: PreTrainedTokenizerBase) -> str:
    return f"{tokenizer.bos_token}{unbegun(text, tokenizer)}"


def _both(pair: PromptPair, change: Callable[[str], str]) -> PromptPair:
    return replace(pair, clean=change(pair.clean), corrupt=change(pair.corrupt))
