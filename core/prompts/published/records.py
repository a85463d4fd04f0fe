"""Records of published sets that are no pairs yet, made into pairs.

*Several counterfactuals* (MIB): a record has ``prompt``, ``choices``, ``answerKey`` and, under names of their own,
counterfactuals with the same keys. The clean prompt is the record's, the corrupt one that of the chosen
counterfactual. The answer is the record's right choice; the distractor is the counterfactual's, or, where that is the
same word, the record's first wrong choice.

*CounterFact*: ``requested_rewrite`` has a ``prompt`` with a slot for its ``subject``, what is true of it
(``target_true``) and what an edit would make of it (``target_new``). A pair needs a corrupt prompt that really calls
for the distractor, so the slot is filled with another subject: one of the record's ``attribute_prompts`` in the same
words, of whose subject ``target_new`` is true; or else another record's subject, of which ``target_new`` is true, or
at least something other than ``target_true``. The distractor is what is true of that subject. Their prompts often
differ in length.

Choices and targets are words that follow the prompt, so a space is put before them where neither side has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.files.asking import ChoiceAsked
from core.files.json_rows import Fault
from core.files.table import Row, Table

HEADER = ("clean", "corrupt", "answer", "distractor", "name")
_BROKEN = Fault("The record is incomplete or broken.", "Bring it as it was published, or leave it out.")
_ALONE = Fault(
    "No prompt of the file calls for another answer.",
    "Bring the record with its attribute_prompts, or with other records of its relation.",
)


def as_pairs(table: Table, counterfactual: str | None = None) -> Table:
    """Records as rows of pairs; any other table as it is.

    Args:
        counterfactual: the name of one kind, where records have several.

    Raises:
        ChoiceAsked: there are several kinds, and none or an unknown one is named.
    """
    if "requested_rewrite" in table.header:
        return _rewritten(table, _of_counterfact(table))
    kinds = _counterfactuals(table)
    if "prompt" not in table.header or not kinds:
        return table
    chosen = [kind for kind in kinds if counterfactual in (kind, kind.removesuffix("_counterfactual"))]
    if len(kinds) > 1 and not chosen:
        what = f"Every record has {len(kinds)} counterfactuals; a pair has one."
        choices = dict.fromkeys(kinds, "")
        raise ChoiceAsked(what, where=table.filename, option="counterfactual", choices=choices)
    return _rewritten(table, (_with_counterfactual(row.values, (chosen or kinds)[0]) for row in table.rows))


def _rewritten(table: Table, made: Iterator[dict[str, Any] | Fault]) -> Table:
    rows = tuple(_row(row, new) for row, new in zip(table.rows, made, strict=True))
    return replace(table, header=HEADER, rows=rows)


def _row(row: Row, new: dict[str, Any] | Fault) -> Row:
    if row.fault is not None:
        return row
    return replace(row, fault=new) if isinstance(new, Fault) else replace(row, values=new)


def _counterfactuals(table: Table) -> list[str]:
    """Columns whose values are objects with a prompt."""
    objects = [row.values for row in table.rows if row.fault is None]
    return [name for name in table.header if any(_is_prompt(values.get(name)) for values in objects)]


def _is_prompt(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("prompt"), str)


def _with_counterfactual(record: Mapping[str, Any], kind: str) -> dict[str, Any] | Fault:
    try:
        other = record[kind]
        clean, answer = record["prompt"], _choice(record)
        wrong = [choice for choice in record["choices"] if choice != answer]
        called_for = _choice(other) if "choices" in other else answer
        distractor = called_for if called_for != answer else wrong[0]
        return _pair(clean, other["prompt"], answer, distractor, str(record.get("name") or ""))
    except (KeyError, IndexError, TypeError, ValueError):
        return _BROKEN


def _choice(record: Mapping[str, Any]) -> str:
    """The right one; the key is its place, counted from 0, or its letter."""
    key = record["answerKey"]
    place = "ABCDEFGHIJ".index(key) if isinstance(key, str) and not key.isdigit() else int(key)
    return record["choices"][place]


@dataclass(frozen=True)
class _Fact:
    """What is true of a subject, and the prompt that asks for it; ``new`` is what an edit would make of it."""

    template: str
    subject: str
    true: str
    new: str

    @property
    def prompt(self) -> str:
        return self.template.replace("{}", self.subject)


def _of_counterfact(table: Table) -> Iterator[dict[str, Any] | Fault]:
    facts = [_fact(row) for row in table.rows]
    alike: dict[str, list[_Fact]] = {}
    for known in filter(None, facts):
        alike.setdefault(known.template, []).append(known)
    for row, fact in zip(table.rows, facts):
        if fact is None:
            yield _BROKEN
            continue
        other = _other_prompt(fact, row.values.get("attribute_prompts"), alike[fact.template])
        case = row.values.get("case_id")
        name = "" if case is None else f"case {case}"
        yield _ALONE if other is None else _pair(fact.prompt, other[0], fact.true, other[1], name)


def _fact(row: Row) -> _Fact | None:
    try:
        rewrite = row.values["requested_rewrite"]
        texts = (rewrite["prompt"], rewrite["subject"], rewrite["target_true"]["str"], rewrite["target_new"]["str"])
    except (KeyError, TypeError):
        return None
    return _Fact(*texts) if all(isinstance(text, str) for text in texts) else None


def _other_prompt(fact: _Fact, prompts: Any, alike: list[_Fact]) -> tuple[str, str] | None:
    """Another prompt in the same words, and what it calls for."""
    before, _, after = fact.template.partition("{}")
    for prompt in prompts if isinstance(prompts, list) else ():
        fits = isinstance(prompt, str) and prompt.startswith(before) and prompt.endswith(after)
        if fits and len(prompt) > len(before) + len(after):
            return prompt, fact.new
    other = next((other for other in alike if other.true == fact.new), None)
    other = other or next((other for other in alike if other.true != fact.true), None)
    return (other.prompt, other.true) if other else None


def _pair(clean: str, corrupt: str, answer: str, distractor: str, name: str) -> dict[str, Any]:
    pair = {"clean": clean, "corrupt": corrupt, "name": name}
    return pair | {"answer": _following(clean, answer), "distractor": _following(clean, distractor)}


def _following(prompt: str, word: str) -> str:
    return word if prompt[-1:].isspace() or word[:1].isspace() else f" {word}"
