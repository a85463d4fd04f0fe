"""The pairs that a model can run, with repairs written into their texts, so that their digest says what was run."""

from __future__ import annotations

from dataclasses import replace

from core.prompts.align import AlignedPairs
from core.prompts.pairs import PairSet, PromptPair, TokenPair
from core.prompts.parse import ParsedPairs


def sound_pairs(parsed: ParsedPairs, found: AlignedPairs, *, trim: bool, first_token: bool) -> PairSet:
    """Pairs that were aligned with these options, as aligned again without them."""
    kept = kept_pairs(parsed, found)
    repaired = (_repaired(*both, trim=trim, first_token=first_token) for both in zip(kept, found.pairs, strict=True))
    return PairSet(kept.name, tuple(repaired))


def kept_pairs(parsed: ParsedPairs, found: AlignedPairs) -> PairSet:
    """The pairs that could be aligned, as they were written."""
    by_row = dict(zip(parsed.rows, parsed.pairs))
    return PairSet(parsed.pairs.name, tuple(by_row[tokens.row] for tokens in found.pairs))


def _repaired(pair: PromptPair, tokens: TokenPair, *, trim: bool, first_token: bool) -> PromptPair:
    pair = replace(pair, links=tokens.links)
    if trim:
        pair = replace(pair, clean=pair.clean.rstrip(" "), corrupt=pair.corrupt.rstrip(" "))
    if first_token and not pair.answer_ids:
        pair = replace(pair, answer=tokens.answer)
    if first_token and not pair.distractor_ids:
        pair = replace(pair, distractor=tokens.distractor)
    return pair
