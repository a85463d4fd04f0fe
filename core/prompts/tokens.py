"""From a text to the tokens that a model is fed, and from single tokens back to their text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")


def prompt_ids(text: str, tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """Ids as the model is fed them, less an end-of-text token of the tokenizer's own.

    After such a token the model would start another text instead of continuing this one.
    """
    ids = tuple(tokenizer(text).input_ids)
    end = tokenizer.eos_token_id
    if end is not None and ids and ids[-1] == end and own_ids(text, tokenizer)[-1:] != (end,):
        return ids[:-1]
    return ids


def own_ids(text: str, tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """Ids of the text alone, without what the tokenizer adds to a prompt."""
    return tuple(tokenizer(text, add_special_tokens=False).input_ids)


def holds_unknown(ids: Sequence[int], text: str, tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether some of the text, whose own ids these are, has no token.

    The unknown token may be a real one: GPT-2's is its end of text too, and any may be written out in a text. So only
    those count that do not stand there to the letter.
    """
    unknown = tokenizer.unk_token_id
    return unknown is not None and list(ids).count(unknown) > text.count(str(tokenizer.unk_token))


def token_texts(ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> tuple[str, ...]:
    """Each token's own text: spaces kept, special tokens by name, bytes of a split character as ``⟨E2⟩``."""
    return tuple(_token_text(token, tokenizer) for token in ids)


def _token_text(token: int, tokenizer: PreTrainedTokenizerBase) -> str:
    piece = tokenizer.convert_ids_to_tokens([token])[0]
    if piece is None:  # an id beyond the vocabulary, as in padded embeddings
        return f"⟨token {token}⟩"
    if token in tokenizer.all_special_ids:
        return piece
    byte = _BYTE_PIECE.fullmatch(piece)
    if byte:  # SentencePiece's byte fallback
        return _show_bytes(bytes.fromhex(byte[1]))
    if "▁" in piece:  # SentencePiece's space, which decode() drops at the start of a text
        return piece.replace("▁", " ")
    text = str(tokenizer.decode([token], clean_up_tokenization_spaces=False))
    table = _byte_of_character()
    if "\ufffd" in text and all(character in table for character in piece):
        return _show_bytes(bytes(table[character] for character in piece))
    return text


def _show_bytes(data: bytes) -> str:
    """Valid UTF-8 as text, every other byte as hex in angle brackets."""
    text = data.decode("utf-8", "surrogateescape")  # a stray byte b becomes the character 0xDC00 + b
    return "".join(f"⟨{ord(c) - 0xDC00:02X}⟩" if "\udc80" <= c <= "\udcff" else c for c in text)


@cache
def _byte_of_character() -> dict[str, int]:
    """GPT-2's byte alphabet, inverted: printable Latin-1 stands for itself, other bytes start at U+0100."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}
