"""Prompt pairs as one model sees them: token by token, or refused with the row and the reason.

Patching moves activations between equal positions of two runs, so both prompts of a pair must have the same number
of tokens. Most metrics read the token after the prompt, so every text of an answer or distractor must be one token;
``answer_log_prob`` reads an answer of several tokens in a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.files.problems import Findings, Problem, raise_first_error
from core.prompts.links import Links, fault, find_links, words
from core.prompts.pairs import PairSet, PromptPair, TokenPair, one_or_several
from core.prompts.targets import Targets
from core.prompts.tokens import holds_unknown, own_ids, prompt_ids, token_texts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_TOKENS = 1024


@dataclass(frozen=True)
class AlignedPairs:
    """The rows that can be run, and every finding.

    Attributes:
        pairs: one entry for each row without an error, in order.
        problems: errors (the row is left out) and warnings (it is kept), in order of rows.
    """

    pairs: tuple[TokenPair, ...]
    problems: tuple[Problem, ...]

    def or_raise(self) -> tuple[TokenPair, ...]:
        """The pairs, if every row can be run.

        Raises:
            PromptError: for the first row with an error.
        """
        raise_first_error(self.problems)
        return self.pairs


def align(
    pairs: PairSet,
    tokenizer: PreTrainedTokenizerBase,
    *,
    trim: bool = False,
    first_token: bool = False,
    whole_answer: bool = False,
    max_tokens: int = MAX_TOKENS,
    rows: Sequence[int] | None = None,
    link: bool = False,
) -> AlignedPairs:
    """Tokenise every pair and check that its two runs can be compared.

    Prompts hold what the tokenizer adds by default (a beginning-of-text token, say), but no end-of-text token.

    Args:
        trim: strip spaces from the end of both prompts (with a warning) instead of only warning.
        first_token: let an answer or distractor of several tokens stand for its first one (with a warning). A token
            that begins answers and distractors then decides nothing, and is left out of both (with a warning).
        whole_answer: let the answer be several tokens in a row, for ``answer_log_prob``, which reads one answer and no
            distractor.
        max_tokens: longest prompt that is let through; pass the model's limit where it is smaller.
        link: let prompts of unequal length be linked by the spans in which they differ (with a warning).
        rows: the 0-based row of each pair in its file, where rows were left out (``ParsedPairs.rows``).
    """
    found: list[TokenPair] = []
    problems: list[Problem] = []
    for row, pair in zip(rows if rows is not None else range(len(pairs)), pairs, strict=True):
        noted = Findings(row)
        tokens = _Row(row, tokenizer, trim, first_token, whole_answer, max_tokens, link, noted).align(pair)
        problems.extend(noted.problems)
        if tokens and noted.sound:
            found.append(tokens)
    return AlignedPairs(tuple(found), tuple(problems))


@dataclass(frozen=True)
class _Row:
    """The checks of one row, gathering what they find."""

    row: int
    tokenizer: PreTrainedTokenizerBase
    trim: bool
    first_token: bool
    whole_answer: bool
    max_tokens: int
    link: bool
    found: Findings

    def align(self, pair: PromptPair) -> TokenPair | None:
        clean, corrupt = self._trimmed(pair)
        if not clean.strip() or not corrupt.strip():
            self.found.error("A prompt is empty.", "Fill in both prompts, or delete the row.")
            return None
        clean_ids, corrupt_ids = prompt_ids(clean, self.tokenizer), prompt_ids(corrupt, self.tokenizer)
        links = self._links(pair.links, clean_ids, corrupt_ids)
        self._check_unknown(clean, corrupt)
        self._check_prompts(clean_ids, corrupt_ids, linked=links is not None)
        both = Targets(self.tokenizer, clean, clean_ids, self.first_token, self.whole_answer, self.found).of(pair)
        if both is None:
            return None
        answer, distractor = both
        if len(clean_ids) + len(answer.rest) > self.max_tokens >= len(clean_ids):
            what = f"The prompts have {len(clean_ids)} tokens, and {len(answer.rest)} of the answer follow."
            self.found.error(what, f"Shorten them to {self.max_tokens} at most.")
        return TokenPair(
            row=self.row,
            name=pair.name,
            clean_ids=clean_ids,
            corrupt_ids=corrupt_ids,
            clean_tokens=token_texts(clean_ids, self.tokenizer),
            corrupt_tokens=token_texts(corrupt_ids, self.tokenizer),
            answer_id=one_or_several(answer.ids),
            distractor_id=one_or_several(distractor.ids),
            answer=one_or_several(answer.texts),
            distractor=one_or_several(distractor.texts),
            rest_ids=answer.rest,
            rest=token_texts(answer.rest, self.tokenizer),
            links=links,
        )

    def _trimmed(self, pair: PromptPair) -> tuple[str, str]:
        """Both prompts, without their trailing spaces if that was asked for."""
        prompts = {"clean": pair.clean, "corrupt": pair.corrupt}
        ends = [column for column, prompt in prompts.items() if prompt.endswith(" ")]
        if not ends:
            return pair.clean, pair.corrupt
        subject = f"The {ends[0]} prompt" if len(ends) == 1 else "Both prompts"
        if not self.trim:
            verb = "ends" if len(ends) == 1 else "end"
            self.found.warn(
                f"{subject} {verb} in a space, after which most models continue badly.",
                "Trim it, and start the answer and the distractor with it.",
            )
            return pair.clean, pair.corrupt
        self.found.warn(f"{subject} ended in a space; it was trimmed.", "Start the answer and the distractor with it.")
        return pair.clean.rstrip(" "), pair.corrupt.rstrip(" ")

    def _check_unknown(self, *prompts: str) -> None:
        if any(holds_unknown(own_ids(text, self.tokenizer), text, self.tokenizer) for text in prompts):
            self.found.error(
                "A prompt holds text that the model has no token for.", "Use other words or another model."
            )

    def _links(self, links: Links | None, clean: tuple[int, ...], corrupt: tuple[int, ...]) -> Links | None:
        """The pair's own links, or those found where that was asked for; checked against both prompts."""
        if links is None and self.link and len(clean) != len(corrupt):
            links = find_links(clean, corrupt)
            texts = token_texts(clean, self.tokenizer), token_texts(corrupt, self.tokenizer)
            self.found.warn(
                f"{len(clean)} clean and {len(corrupt)} corrupt tokens were linked: {words(links, *texts)}.",
                "Make sure that these spans stand for each other.",
            )
        if links is not None and (problem := fault(links, len(clean), len(corrupt))):
            self.found.error(problem, "Move the links, or reword one of the prompts.")
        return links

    def _check_prompts(self, clean: tuple[int, ...], corrupt: tuple[int, ...], *, linked: bool) -> None:
        if max(len(clean), len(corrupt)) > self.max_tokens:
            lengths = f"{len(clean)} and {len(corrupt)}"
            self.found.error(f"The prompts have {lengths} tokens.", f"Shorten them to {self.max_tokens} at most.")
        elif clean == corrupt:
            self.found.error(
                "Both prompts are the same to the model.", "Change in one of them what decides the answer."
            )
        elif len(clean) != len(corrupt) and not linked:
            lengths = f"The clean prompt has {len(clean)} tokens, the corrupt one {len(corrupt)}"
            self.found.error(
                f"{lengths}; {self._parting(clean, corrupt)}.",
                "Reword one of them so that both have the same number of tokens, or have them aligned (--align).",
            )

    def _parting(self, clean: tuple[int, ...], corrupt: tuple[int, ...]) -> str:
        """Where two prompts of different length part, in words; tokens are counted from 0 as in every figure."""
        shorter = min(len(clean), len(corrupt))
        at = next((i for i in range(shorter) if clean[i] != corrupt[i]), shorter)
        shown = [repr("".join(token_texts(ids[at : at + 3], self.tokenizer))) for ids in (clean, corrupt)]
        sides = [text if at < len(ids) else "its end" for text, ids in zip(shown, (clean, corrupt))]
        return f"they part at token {at}, {sides[0]} against {sides[1]}"
