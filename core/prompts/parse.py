"""Prompt pairs from a file's bytes (``core.files``), and back to CSV.

Values are kept to the letter: no trimming, no numbers, no missing-value codes ("07" and "NA" are text). An answer or
distractor may be several texts that count the same: a list in JSON, texts parted by ``|`` in CSV. Faults of the file
raise ``PromptError``; faults of rows are collected, every one of them, so that a person sees all at once.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from core.errors import PromptError
from core.files.asking import ChoiceAsked
from core.files.columns import Form, named
from core.files.problems import Findings, Problem, raise_first_error
from core.files.table import Row, read_table
from core.files.values import cell_of, fault_of, items_of, texts_of
from core.prompts.pairs import MOST_ANSWERS, PairSet, PromptPair, answer_texts
from core.prompts.published.labels import with_answers
from core.prompts.published.records import as_pairs

COLUMNS = ("clean", "corrupt", "answer", "distractor", "name")
SETS, IDS = ("answer", "distractor"), ("answer_ids", "distractor_ids")
MAX_ROWS = 2_000
MAX_BYTES = 5_000_000
MAX_CHARACTERS = 20_000

FORM = Form(
    kind="pairs",
    fields={
        "clean": ("clean_prompt", "clean_text", "clean_input", "clean_sentence", "prompt", "base", "original"),
        "corrupt": (
            "corrupted", "corrupt_prompt", "corrupted_prompt", "corrupt_text", "corrupted_text", "corrupted_input",
            "counterfactual", "counterfactual_prompt", "cf_prompt", "source", "dirty",
        ),
        "answer": (
            "correct", "correct_answer", "right_answer", "clean_answer", "target", "target_true", "answers",
            "correct_answers", "clean_answers", "clean_target", "country",
        ),
        "distractor": (
            "incorrect", "incorrect_answer", "wrong", "wrong_answer", "corrupt_answer", "corrupted_answer",
            "target_new", "target_false", "corrupted_answers", "incorrect_answers", "wrong_answers",
            "counterfactual_answer", "counterfactual_target", "corrupt_target", "corrupted_target", "foil",
            "corrupted_country",
        ),
        "answer_ids": (
            "correct_idx", "answer_idx", "answers_idx", "clean_answer_idx", "clean_answers_idx", "correct_id",
            "answer_id", "correct_ids",
        ),
        "distractor_ids": (
            "incorrect_idx", "incorrect_answer_idx", "wrong_idx", "corrupted_answer_idx", "corrupted_answers_idx",
            "distractor_idx", "incorrect_id", "distractor_id", "incorrect_ids",
        ),
        "name": (),
    },
    needs=(
        (("clean",),),
        (("corrupt",),),
        (("answer",), ("answer_ids",)),
        (("distractor",), ("distractor_ids",)),
    ),
    advice="Use the columns clean, corrupt, answer, distractor and, if you like, name.",
)  # fmt: skip


@dataclass(frozen=True)
class ParsedPairs:
    """The sound rows of a file, and what is wrong with the others.

    Attributes:
        pairs: one pair for each row without an error, in the order of the file.
        problems: every finding, those about the whole file first, then in the order of the file.
        rows: for each pair its 0-based row in the file; hand it to ``align`` so that row numbers stay true.
        source: every row as the file has it, sound or not.
    """

    pairs: PairSet
    problems: tuple[Problem, ...]
    rows: tuple[int, ...]
    source: tuple[Mapping[str, Any], ...] = ()

    def or_raise(self) -> PairSet:
        """The pairs, if every row is sound.

        Raises:
            PromptError: for the first row with an error.
        """
        raise_first_error(self.problems)
        return self.pairs


def parse_pairs(
    data: bytes,
    *,
    filename: str,
    columns: Mapping[str, str] | None = None,
    counterfactual: str | None = None,
    first: int | None = None,
) -> ParsedPairs:
    """Read a file; its name says how it was saved, and names the set.

    Args:
        data: the file's bytes.
        filename: ends in one of ``core.files.table.SUFFIXES``.
        columns: our name -> the file's column, where the names are not ours.
        counterfactual: which one, where records have several (``core.prompts.published.records``).
        first: read only so many rows, ``MAX_ROWS`` at most.

    Raises:
        Asked: the names of the columns, the counterfactuals or the number of rows leave a question open.
        PromptError: unknown ending, empty or too large file, bad encoding, broken quoting.
    """
    table = read_table(data, filename=filename, max_bytes=MAX_BYTES, advice=FORM.advice)
    if len(table.rows) > MAX_ROWS and first is None:
        what, choices = f"There are more than {MAX_ROWS} rows.", {MAX_ROWS: "and only these are read"}
        raise ChoiceAsked(what, where=f"row {MAX_ROWS + 1}", option="first", choices=choices)
    table = replace(table, rows=table.rows[: MAX_ROWS if first is None else min(first, MAX_ROWS)])
    source = tuple(row.values for row in table.rows)
    table = named(with_answers(as_pairs(table, counterfactual)), FORM, columns)
    rows = table.rows if table.typed else tuple(replace(row, named=_from_cells(row.named)) for row in table.rows)
    found = Findings(list(table.warnings))
    if set(IDS) & set(columns or ()):
        what = "Answers are token ids, which mean what they should in the tokenizer that the file was made for only."
        found.warn(None, what, "Look whether the tokens that they are in this model are the ones meant.")
    return replace(_collected(rows, name=table.name, found=found), source=source)


def collect_pairs(rows: Iterable[Mapping[str, Any]], *, name: str) -> ParsedPairs:
    """Pairs from an edited table's rows, cells of text by our columns' names.

    Raises:
        PromptError: no rows, or more than ``MAX_ROWS``.
    """
    return _collected([Row(i, {}, None, _from_cells(row)) for i, row in enumerate(rows)], name=name, found=Findings())


def pairs_to_csv(pairs: PairSet) -> str:
    """A set as CSV text with a header; ``parse_pairs`` of it gives the same pairs, whatever their texts hold."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    columns = columns_of(pairs)
    writer.writerow(columns)
    writer.writerows([cells_of(pair)[column] for column in columns] for pair in pairs)
    return out.getvalue()


def columns_of(pairs: PairSet) -> tuple[str, ...]:
    """The columns of a set as a table; token ids only where a pair has some."""
    return (*COLUMNS, *(name for name in IDS if any(getattr(pair, name) for pair in pairs)))


def cells_of(pair: PromptPair) -> dict[str, str]:
    """A pair as cells of text."""
    cells = {column: getattr(pair, column) for column in COLUMNS}
    cells |= {column: cell_of(answer_texts(cells[column])) for column in SETS}
    return cells | {column: "|".join(map(str, getattr(pair, column))) for column in IDS}


def _from_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Cells of text as values: several answers in one cell are parted."""
    values = dict(row)
    for column in SETS:
        cell = values.get(column)
        if isinstance(cell, str) and cell:
            texts = texts_of(cell)
            values[column] = texts[0] if len(texts) == 1 else list(texts)
    return values


def _collected(rows: Iterable[Row], *, name: str, found: Findings) -> ParsedPairs:
    pairs, places = [], []
    names: dict[str, int] = {}
    seen: dict[PromptPair, int] = {}
    for row in rows:
        if row.number == MAX_ROWS:
            what = f"There are more than {MAX_ROWS} rows."
            raise PromptError(what, where=f"row {row.number + 1}", next_step="Split the set into smaller ones.")
        pair = _to_pair(row, found)
        if pair is None:
            continue
        if pair.name and names.setdefault(pair.name, row.number) != row.number:
            what = f"The name {pair.name!r} is already that of row {names[pair.name] + 1}."
            found.warn(row.number, what, "Give each pair its own name to tell their results apart.")
        first = seen.setdefault(replace(pair, name=""), row.number)
        if first != row.number:
            what = f"The pair is the same as that of row {first + 1}."
            found.warn(row.number, what, "Delete one of them, or it counts twice in every mean.")
        pairs.append(pair)
        places.append(row.number)
    if not pairs and not any(problem.severity == "error" for problem in found.problems):
        raise _nothing(name)
    return ParsedPairs(PairSet(name, tuple(pairs)), tuple(found.problems), tuple(places))


def _nothing(where: str) -> PromptError:
    return PromptError("There are no pairs.", where=where, next_step="Add at least one row below the column names.")


def _to_pair(row: Row, found: Findings) -> PromptPair | None:
    """The pair of a row; every fault that it has goes into ``found``."""
    if row.fault is not None:
        found.error(row.number, row.fault.what, row.fault.next_step)
        return None
    values = {column: value for column, value in row.named.items() if not _is_missing(value)}
    for need in FORM.needs:
        if not any(set(way) <= set(values) for way in need):
            found.error(row.number, f"The {need[0][0]} is missing.", "Fill it in, or delete the row.")
    for column, value in values.items():
        if fault := _fault(column, value):
            found.error(row.number, *fault)
    if found.spoilt(row.number):
        return None
    frozen = {column: _frozen(column, value) for column, value in values.items()}
    return PromptPair(**{"answer": "", "distractor": ""} | frozen)


def _is_missing(value: Any) -> bool:
    """The empty text or list, or what JSON and tables put in the place of one: None, NA, NaN."""
    return value is None or value is pd.NA or value in ("", []) or value != value


def _fault(column: str, value: Any) -> tuple[str, str] | None:
    if column in IDS:
        return None if _ids(value) else (f"The {column} {str(value)[:40]!r} are no token ids.", "Write whole numbers.")
    if column in SETS and isinstance(value, list):
        if len(value) > MOST_ANSWERS:
            return f"The {column} has {len(value)} texts.", f"Shorten the list to {MOST_ANSWERS} at most."
        return next((fault for text in value if (fault := fault_of(column, text, MAX_CHARACTERS))), None) or (
            (f"One text of the {column} is empty.", "Fill it in, or leave it out.") if "" in value else None
        )
    return fault_of(column, value, MAX_CHARACTERS)


def _ids(value: Any) -> tuple[int, ...]:
    """Token ids as JSON or a cell gives them: 7, [7, 8], "7", "7|8", "[7, 8]"; empty: they are none."""
    parts = (items_of(value) or value.split("|")) if isinstance(value, str) else value
    parts = parts if isinstance(parts, list | tuple) else [parts]
    texts = ["" if isinstance(part, bool) else str(part).strip() for part in parts]
    sound = all(text.isascii() and text.isdigit() and len(text) < 10 for text in texts)
    return tuple(dict.fromkeys(map(int, texts))) if sound and len(texts) <= MOST_ANSWERS else ()


def _frozen(column: str, value: Any) -> Any:
    if column in IDS:
        return _ids(value)
    if isinstance(value, list):
        return tuple(dict.fromkeys(value))
    return value
