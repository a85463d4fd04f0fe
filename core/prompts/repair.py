"""The pairs that a model can run, with repairs written into their texts, so that their digest says what was run."""

from __future__ import annotations

from dataclasses import replace

from core.prompts.align import AlignedPairs
from core.prompts.pairs import PairSet
from core.prompts.parse import ParsedPairs


def sound_pairs(parsed: ParsedPairs, found: AlignedPairs, *, trim: bool, first_token: bool) -> PairSet:
    """Pairs that were aligned with these options, as aligned again without them."""
    by_row = dict(zip(parsed.rows, parsed.pairs))
    repaired = []
    for tokens in found.pairs:
        pair = by_row[tokens.row]
        repaired.append(
            replace(
                pair,
                clean=pair.clean.rstrip(" ") if trim else pair.clean,
                corrupt=pair.corrupt.rstrip(" ") if trim else pair.corrupt,
                answer=tokens.answer if first_token and not pair.answer_ids else pair.answer,
                distractor=tokens.distractor if first_token and not pair.distractor_ids else pair.distractor,
            )
        )
    return PairSet(parsed.pairs.name, tuple(repaired))
