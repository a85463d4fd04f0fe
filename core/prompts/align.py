"""Prompt pairs as one model sees them: token by token, or refused with the row and the reason.

Patching moves activations between equal positions of two runs, so both prompts of a pair must have the same number
of tokens; the metric reads one token, so answer and distractor must be one token each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.prompts.links import Links, fault, find_links, words
from core.prompts.pairs import PairSet, PromptPair, TokenPair
from core.prompts.problems import Problem, raise_first_error
from core.prompts.tokens import token_texts

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
    max_tokens: int = MAX_TOKENS,
    rows: Sequence[int] | None = None,
    link: bool = False,
) -> AlignedPairs:
    """Tokenise every pair and check that its two runs can be compared.

    Prompts hold what the tokenizer adds by default (a beginning-of-text token, say), but no end-of-text token.

    Args:
        trim: strip spaces from the end of both prompts (with a warning) instead of only warning.
        first_token: let an answer or distractor of several tokens stand for its first one (with a warning).
        max_tokens: longest prompt that is let through; pass the model's limit where it is smaller.
        link: let prompts of unequal length be linked by the spans in which they differ (with a warning).
        rows: the 0-based row of each pair in its file, where rows were left out (``ParsedPairs.rows``).
    """
    found: list[TokenPair] = []
    problems: list[Problem] = []
    for row, pair in zip(rows if rows is not None else range(len(pairs)), pairs, strict=True):
        check = _Row(row, tokenizer, trim=trim, first_token=first_token, max_tokens=max_tokens, link=link)
        tokens = check.align(pair)
        problems.extend(check.problems)
        if tokens and not any(problem.severity == "error" for problem in check.problems):
            found.append(tokens)
    return AlignedPairs(tuple(found), tuple(problems))


@dataclass
class _Row:
    """The checks of one row, gathering what they find."""

    row: int
    tokenizer: PreTrainedTokenizerBase
    trim: bool
    first_token: bool
    max_tokens: int
    link: bool = False
    problems: list[Problem] = field(default_factory=list)

    def align(self, pair: PromptPair) -> TokenPair | None:
        clean, corrupt = self._trimmed(pair)
        if not clean.strip() or not corrupt.strip():
            self._error("A prompt is empty.", "Fill in both prompts, or delete the row.")
            return None
        clean_ids, corrupt_ids = self._prompt_ids(clean), self._prompt_ids(corrupt)
        links = self._links(pair.links, clean_ids, corrupt_ids)
        self._check_prompts(clean_ids, corrupt_ids, linked=links is not None)
        answer_id = self._answer_id("answer", pair.answer, clean)
        distractor_id = self._answer_id("distractor", pair.distractor, clean)
        if answer_id is None or distractor_id is None:
            return None
        if answer_id == distractor_id:
            self._error(
                f"Answer {pair.answer!r} and distractor {pair.distractor!r} are the same token.",
                "Choose a distractor that differs in its first token.",
            )
            return None
        return TokenPair(
            row=self.row,
            name=pair.name,
            clean_ids=clean_ids,
            corrupt_ids=corrupt_ids,
            clean_tokens=token_texts(clean_ids, self.tokenizer),
            corrupt_tokens=token_texts(corrupt_ids, self.tokenizer),
            answer_id=answer_id,
            distractor_id=distractor_id,
            answer=token_texts([answer_id], self.tokenizer)[0],
            distractor=token_texts([distractor_id], self.tokenizer)[0],
            links=links,
        )

    def _error(self, what: str, next_step: str) -> None:
        self.problems.append(Problem(self.row, "error", what, next_step))

    def _warn(self, what: str, next_step: str) -> None:
        self.problems.append(Problem(self.row, "warning", what, next_step))

    def _trimmed(self, pair: PromptPair) -> tuple[str, str]:
        """Both prompts, without their trailing spaces if that was asked for."""
        prompts = {"clean": pair.clean, "corrupt": pair.corrupt}
        ends = [column for column, prompt in prompts.items() if prompt.endswith(" ")]
        if not ends:
            return pair.clean, pair.corrupt
        subject = f"The {ends[0]} prompt" if len(ends) == 1 else "Both prompts"
        if not self.trim:
            verb = "ends" if len(ends) == 1 else "end"
            self._warn(
                f"{subject} {verb} in a space, after which most models continue badly.",
                "Trim it, and start the answer and the distractor with it.",
            )
            return pair.clean, pair.corrupt
        self._warn(f"{subject} ended in a space; it was trimmed.", "Start the answer and the distractor with it.")
        return pair.clean.rstrip(" "), pair.corrupt.rstrip(" ")

    def _prompt_ids(self, text: str) -> tuple[int, ...]:
        """Ids as the model is fed them, less an end-of-text token of the tokenizer's own.

        After such a token the model would start another text instead of continuing this one.
        """
        ids = tuple(self.tokenizer(text).input_ids)
        end = self.tokenizer.eos_token_id
        if end is not None and ids and ids[-1] == end and self._bare_ids(text)[-1:] != (end,):
            return ids[:-1]
        return ids

    def _bare_ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False).input_ids)

    def _links(self, links: Links | None, clean: tuple[int, ...], corrupt: tuple[int, ...]) -> Links | None:
        """The pair's own links, or those found where that was asked for; checked against both prompts."""
        if links is None and self.link and len(clean) != len(corrupt):
            links = find_links(clean, corrupt)
            texts = token_texts(clean, self.tokenizer), token_texts(corrupt, self.tokenizer)
            self._warn(
                f"{len(clean)} clean and {len(corrupt)} corrupt tokens were linked: {words(links, *texts)}.",
                "Make sure that these spans stand for each other.",
            )
        if links is not None and (problem := fault(links, len(clean), len(corrupt))):
            self._error(problem, "Move the links, or reword one of the prompts.")
        return links

    def _check_prompts(self, clean: tuple[int, ...], corrupt: tuple[int, ...], *, linked: bool) -> None:
        unknown = self.tokenizer.unk_token_id
        if unknown not in (None, self.tokenizer.eos_token_id) and (unknown in clean or unknown in corrupt):
            self._error("A prompt holds text that the model has no token for.", "Use other words or another model.")
        if max(len(clean), len(corrupt)) > self.max_tokens:
            lengths = f"{len(clean)} and {len(corrupt)}"
            self._error(f"The prompts have {lengths} tokens.", f"Shorten them to {self.max_tokens} at most.")
        elif clean == corrupt:
            self._error("Both prompts are the same to the model.", "Change in one of them what decides the answer.")
        elif len(clean) != len(corrupt) and not linked:
            lengths = f"The clean prompt has {len(clean)} tokens, the corrupt one {len(corrupt)}"
            self._error(
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

    def _answer_id(self, role: str, text: str, prompt: str) -> int | None:
        """The one token that a prompt is to be continued with."""
        ids = self._continuation(prompt, text)
        if not ids:
            self._error(f"The {role} is missing.", "Fill it in, or delete the row.")
            return None
        if ids[0] == self.tokenizer.unk_token_id:
            self._error(f"The model has no token for the {role} {text!r}.", "Choose another word or another model.")
            return None
        if len(ids) > 1:
            pieces = token_texts(ids, self.tokenizer)
            what = f"The {role} {text!r} is {len(ids)} tokens: {', '.join(map(repr, pieces))}."
            if not self.first_token:
                self._error(what, f"Use its first token, {pieces[0]!r}, or choose one that is a single token.")
                return None
            self._warn(f"{what} The first one stands for it.", "Make sure that this token tells it apart.")
        self._check_space(role, text, prompt, ids[0])
        return ids[0]

    def _continuation(self, prompt: str, text: str) -> tuple[int, ...]:
        """The text's own tokens, or the one token it is after the prompt.

        The two differ where a tokenizer puts a space before every text: there only the second is what follows.
        """
        before, after = self._prompt_ids(prompt), self._prompt_ids(prompt + text)
        if after[: len(before)] == before and len(after) == len(before) + 1:
            return after[-1:]
        return self._bare_ids(text)

    def _check_space(self, role: str, text: str, prompt: str, token: int) -> None:
        """Warn of "Mary" where " Mary" is how a text goes on: two tokens, and the first is hardly ever predicted."""
        if not text[0].isalpha() or not (prompt[-1].isalnum() or prompt[-1] in ",.;:!?"):
            return
        spaced = self._continuation(prompt, " " + text)
        if len(spaced) == 1 and spaced[0] != token:
            self._warn(
                f"The {role} {text!r} does not start with a space, though the prompt does not end in one.",
                f"Write {' ' + text!r} if it is a word of its own.",
            )
