"""The task of the toy: four labelled words, then one of the words; the next token is its label.

    Choose            half the prompts have the labels A, B, C, D in this order,
    (A) river         the other half four of the letters A to L in any order;
    (B) lemon         all in one of four formats (standard, no brackets, full stops, no preamble)
    (C) wolf
    (D) chair
    ? lemon           -> B

Digits are words of its vocabulary that no training prompt holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from tokenizers import Regex, Tokenizer, decoders
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Sequence, Split
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from core.labs.multiple_choice.questions.layouts import DIGITS, LAYOUTS, LETTERS, Mutation, build
from core.labs.multiple_choice.questions.questions import N_OPTIONS, PLACES, Question, QuestionSet
from core.labs.multiple_choice.questions.tokens import tokenised
from core.models.toy import UNKNOWN

WORDS = tuple(
    """
    river lemon wolf chair cloud stone piano bread glove tiger window candle forest spoon eagle carpet silver garden
    hammer island jacket kettle ladder magnet needle orange pencil rabbit saddle tunnel valley wagon anchor basket
    camel desert engine feather guitar helmet insect jewel knight lantern mirror nail ocean parrot quilt ribbon
    shadow temple umbrella violin whistle yarn zebra button copper dragon
    """.split()  # noqa: SIM905
)
VOCABULARY = (*LETTERS, *DIGITS, "(", ")", ".", "\n", "?", LAYOUTS["word"].preamble, *WORDS)
FORMATS: tuple[Mutation, ...] = ("standard", "no brackets", "full stops", "no preamble")  # seen in training
LAYOUT = "word"


def toy_tokenizer() -> PreTrainedTokenizerFast:
    """Words, brackets, full stops, question marks and line breaks are a token each; spaces are none."""
    words = {word: i for i, word in enumerate((*VOCABULARY, UNKNOWN))}
    inner = Tokenizer(WordLevel(words, unk_token=UNKNOWN))
    spaces, marks = Split(Regex(" +"), "removed"), Split(Regex(r"[().?\n]"), "isolated")
    inner.pre_tokenizer = Sequence([spaces, marks])  # type: ignore[assignment]
    inner.decoder = decoders.Fuse()  # type: ignore[assignment]
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token=UNKNOWN, clean_up_tokenization_spaces=False)


@dataclass(frozen=True)
class Template:
    """A format's prompt in tokens, with holes: positions of the labels and of the options; the last token is the word
    asked for. The first ``shared`` tokens do not depend on which of the four is asked for."""

    ids: Tensor
    labels: Tensor
    options: Tensor
    shared: int


def template(mutation: Mutation) -> Template:
    """The template of a format."""
    a, b, c, d = WORDS[:N_OPTIONS]
    prompt = build(Question(a, (a, b, c, d), 0), LAYOUTS[LAYOUT], mutation, LETTERS[:N_OPTIONS])
    (asked,) = tokenised([prompt], toy_tokenizer())
    labels, options = (torch.tensor([asked.place(k, i) for i in range(N_OPTIONS)]) for k in ("label", "option"))
    return Template(torch.tensor(asked.ids), labels, options, asked.kinds.index(("cue", -1)))


@dataclass(frozen=True)
class Batch:
    """Groups of four prompts that differ only in the word asked for.

    ``shared`` ``[group, position]`` is what they have in common, ``own`` ``[group, 4, position]`` the rest; ``labels``
    ``[group, 4]`` are the ids of the labels by place, and the answer to prompt i of a group is its label i.
    """

    shared: Tensor
    own: Tensor
    labels: Tensor


def draw(
    frame: Template, groups: int, generator: torch.Generator, *, labels: Tensor | None = None, drawn: float = 0.5
) -> Batch:
    """Draw words, and labels where they are not given: a share ``drawn`` of the groups gets random letters."""
    words = torch.rand(groups, len(WORDS), generator=generator).topk(N_OPTIONS).indices + VOCABULARY.index(WORDS[0])
    if labels is None:
        labels = torch.arange(N_OPTIONS).expand(groups, -1).clone()
        other = torch.rand(groups, len(LETTERS), generator=generator).topk(N_OPTIONS).indices
        chosen = torch.rand(groups, generator=generator) < drawn
        labels[chosen] = other[chosen]
    ids = frame.ids.expand(groups, -1).clone()
    ids[:, frame.labels], ids[:, frame.options] = labels, words
    own = ids[:, None, frame.shared :].expand(-1, N_OPTIONS, -1).clone()
    own[:, :, -1] = words
    return Batch(ids[:, : frame.shared], own, labels)


def toy_questions(count: int, *, seed: int = 0) -> QuestionSet:
    """Questions for the toy: every place is right equally often."""
    generator = torch.Generator().manual_seed(seed)
    questions = []
    for i in range(count):
        a, b, c, d = (WORDS[j] for j in torch.randperm(len(WORDS), generator=generator)[:N_OPTIONS].tolist())
        answer = i % len(PLACES)
        questions.append(Question((a, b, c, d)[answer], (a, b, c, d), answer))
    return QuestionSet("label-binding", tuple(questions))
