"""Answers and distractors as tokens of one model: one, several that count alike, or several in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.files.problems import Findings
from core.prompts.pairs import PromptPair, Texts, answer_texts
from core.prompts.show import shown
from core.prompts.tokens import holds_unknown, own_ids, prompt_ids, token_texts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Target:
    """What a prompt is to be continued with: tokens that count alike, their texts, and what follows the only one."""

    ids: tuple[int, ...]
    texts: tuple[str, ...]
    rest: tuple[int, ...] = ()

    def without(self, ids: set[int]) -> Target:
        kept = [(token, text) for token, text in zip(self.ids, self.texts) if token not in ids]
        return Target(tuple(token for token, _ in kept), tuple(text for _, text in kept), self.rest)


@dataclass(frozen=True)
class Targets:
    """The checks of what a prompt is to be continued with; ``ids`` are the prompt's, options as in ``align``."""

    tokenizer: PreTrainedTokenizerBase
    prompt: str
    ids: tuple[int, ...]
    first_token: bool
    whole_answer: bool
    found: Findings

    def of(self, pair: PromptPair) -> tuple[Target, Target] | None:
        """The answer and the distractor; None where one of them cannot be used."""
        several = max(len(answer_texts(pair.answer)), len(pair.answer_ids))
        if self.whole_answer and several > 1:
            self.found.error(
                f"There are {several} answers; the log-probability of the whole answer reads one.",
                "Keep one, or choose another metric.",
            )
        answer = self._target("answer", pair.answer, pair.answer_ids)
        distractor = self._target("distractor", pair.distractor, pair.distractor_ids)
        return self._apart(answer, distractor) if answer and distractor else None

    def _target(self, role: str, texts: Texts, ids: tuple[int, ...]) -> Target | None:
        """The tokens of an answer or distractor, each checked; None where one cannot be used."""
        if ids:
            return self._given(role, texts, ids)
        if self.whole_answer:
            return self._whole(role, answer_texts(texts))
        found = [(text, self._continuation(text)) for text in answer_texts(texts)]
        there = [self._is_there(role, tokens, text, tokens[:1]) for text, tokens in found]
        longer = [(text, tokens) for text, tokens in found if len(tokens) > 1]
        if longer:
            self._tell_longer(role, *longer[0], f"{len(longer)} of the {len(found)}" if len(found) > 1 else "")
        if not all(there) or (longer and not self.first_token):
            return None
        any(self._lacks_space(role, text, tokens[0]) for text, tokens in found)  # the first one is told
        return self._set_of(role, [tokens[0] for _, tokens in found], told=bool(longer))

    def _set_of(self, role: str, ids: Sequence[int], *, told: bool = False) -> Target:
        """Each token once; ``told``: the reader knows why some are there more than once."""
        single = tuple(dict.fromkeys(ids))
        if len(single) < len(ids) and not told:
            twice = token_texts([next(token for token in single if ids.count(token) > 1)], self.tokenizer)[0]
            what = f"{len(ids) - len(single)} of the {len(ids)} {role}s repeat another one, such as {twice!r}."
            self.found.warn(what, "Each counts once.")
        return Target(single, token_texts(single, self.tokenizer))

    def _given(self, role: str, texts: Texts, ids: tuple[int, ...]) -> Target | None:
        """Token ids that a file gives: they must be this tokenizer's, and agree with the texts where there are any."""
        if outside := [token for token in ids if not 0 <= token < len(self.tokenizer)]:
            self.found.error(
                f"The {role} is given as token {outside[0]}; the model has {len(self.tokenizer)} tokens.",
                "Give the ids of this model's tokenizer, or the text.",
            )
            return None
        found = self._set_of(role, ids)
        if not any(answer_texts(texts)):
            named = ", ".join(f"{token} ({text!r})" for token, text in zip(found.ids[:4], found.texts))
            more = f" and {len(found.ids) - 4} more" if len(found.ids) > 4 else ""
            self.found.warn(
                f"The {role} is given as token {named}{more}.", "Make sure that the ids are this tokenizer's."
            )
            return found
        spelled = {self._continuation(text)[:1] for text in answer_texts(texts)}
        if spelled != {(token,) for token in ids}:
            self.found.error(
                f"The {role} {shown(texts)!r} is not the token that its id names, {shown(found.texts)!r}.",
                "Give the ids of this model's tokenizer, or only the text.",
            )
            return None
        return found

    def _whole(self, role: str, texts: tuple[str, ...]) -> Target | None:
        """An answer as all its tokens in a row. The distractor is not read: its text stays as it is written."""
        tokens = [self._continuation(text, whole=True) for text in texts]
        for ids, text in zip(tokens, texts):
            if not self._is_there(role, ids, text, ids):
                return None
        if role == "distractor":
            return Target(tuple(ids[0] for ids in tokens), texts)
        self._lacks_space(role, texts[0], tokens[0][0])
        first, *rest = tokens[0]
        return Target((first,), token_texts([first], self.tokenizer), tuple(rest))

    def _apart(self, answer: Target, distractor: Target) -> tuple[Target, Target] | None:
        """Both, where no token is right and wrong at once."""
        both = set(answer.ids) & set(distractor.ids)
        if self.whole_answer or not both:
            return answer, distractor
        if len(answer.ids) == len(distractor.ids) == 1:
            self.found.error(
                f"Answer {answer.texts[0]!r} and distractor {distractor.texts[0]!r} are the same token.",
                "Choose a distractor that differs in its first token.",
            )
            return None
        named = shown(token_texts([token for token in answer.ids if token in both], self.tokenizer))
        rest = answer.without(both), distractor.without(both)
        if not self.first_token or not all(part.ids for part in rest):
            what = f"{named!r} is among the answers and among the distractors."
            self.found.error(what, "Leave it out of one of them.")
            return None
        self.found.warn(
            f"{named!r} begins answers and distractors; it is left out of both.", "The others tell them apart."
        )
        return rest

    def _tell_longer(self, role: str, text: str, tokens: tuple[int, ...], share: str) -> None:
        """That a text, or a share of several, is more than one token: an error, or how it will be read."""
        pieces = token_texts(tokens, self.tokenizer)
        what = f"The {role} {text!r} is {len(tokens)} tokens: {', '.join(map(repr, pieces))}."
        if share:
            what = f"{share} {role}s are several tokens. {what}"
        if self.first_token:
            stand = "Their first ones stand for them." if share else "The first one stands for it."
            self.found.warn(f"{what} {stand}", "Make sure that this token tells it apart.")
            return
        use = f"Use its first token, {pieces[0]!r}, or choose one that is a single token."
        whole = "" if share or role == "distractor" else " The log-probability of the whole answer reads all of them."
        self.found.error(what, use + whole)

    def _is_there(self, role: str, ids: tuple[int, ...], text: str, read: tuple[int, ...]) -> bool:
        """Whether there is a text and the tokens that are read of it are known."""
        if not ids:
            self.found.error(f"The {role} is missing.", "Fill it in, or delete the row.")
        elif self.tokenizer.unk_token_id in read and holds_unknown(ids, text, self.tokenizer):
            self.found.error(
                f"The model has no token for the {role} {text!r}.", "Choose another word or another model."
            )
        else:
            return True
        return False

    def _continuation(self, text: str, *, whole: bool = False) -> tuple[int, ...]:
        """The text's own tokens, or the one token it is after the prompt (``whole``: or the several).

        The two differ where a tokenizer puts a space before every text: there only the second is what follows.
        """
        after, length = prompt_ids(self.prompt + text, self.tokenizer), len(self.ids)
        added = len(after) - length
        if after[:length] == self.ids and (added == 1 or (whole and added > 1)):
            return after[length:]
        return own_ids(text, self.tokenizer)

    def _lacks_space(self, role: str, text: str, token: int) -> bool:
        """Warn of "Mary" where " Mary" is how a text goes on: two tokens, and the first is hardly ever predicted."""
        end = self.prompt[-1]
        if not text[0].isalpha() or not (end.isalnum() or end in ",.;:!?"):
            return False
        spaced = self._continuation(" " + text)
        lacks = len(spaced) == 1 and spaced[0] != token
        if lacks:
            self.found.warn(
                f"The {role} {text!r} does not start with a space, though the prompt does not end in one.",
                f"Write {' ' + text!r} if it is a word of its own.",
            )
        return lacks
