"""From the names that columns have in a file to ours.

Names that differ from ours in case, blanks and underscores only are taken as ours. For what is still missing, common
other names are proposed, and a person confirms them once (``core.files.asking``). Index columns are dropped; columns
that are left over are named in one warning.
"""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.errors import PromptError
from core.files.asking import ColumnsAsked
from core.files.problems import Problem, quoted
from core.files.table import Row, Table

_INDEX = re.compile(r"column_1|unnamed:_\d+|index|id|idx|row|__index_level_\d+__")


@dataclass(frozen=True)
class Form:
    """The columns that a kind of file has.

    Attributes:
        kind: what the rows are, in the plural.
        fields: our name -> other names that are likely the same, the likelier first.
        needs: of each entry one alternative must be there, with all its fields.
        unused: columns that may be there and are not read, in our names.
        advice: what the file should hold, one sentence.
    """

    kind: str
    fields: Mapping[str, tuple[str, ...]]
    needs: tuple[tuple[tuple[str, ...], ...], ...]
    unused: tuple[str, ...] = ()
    advice: str = ""

    def missing(self, there: Mapping[str, str]) -> tuple[str, ...]:
        """The fields of every need that is not met, by its first alternative."""
        unmet = [need for need in self.needs if not any(set(way) <= set(there) for way in need)]
        return tuple(field for need in unmet for field in need[0] if field not in there)


def named(table: Table, form: Form, given: Mapping[str, str] | None = None) -> Table:
    """The table with our names for its columns, and without those that are not ours.

    Args:
        given: our name -> column, as a person said; names that are ours need not be given.

    Raises:
        ColumnsAsked: columns are missing, and ``given`` does not say which they are.
        PromptError: ``given`` names what is not there, or two columns have the same one of our names.
    """
    if not table.header:  # JSON of which no row could be read
        return table
    own = {field: column for field, column in _own_names(table, form).items() if field not in (given or {})}
    own |= _as_given(given or {}, table, form)
    if form.missing(own):
        raise _question(table, form, own)
    places = {column: field for field, column in own.items()}
    rows = tuple(_renamed(row, places) for row in table.rows)
    unused = [c for c in table.header if c not in places and not _INDEX.fullmatch(_plain(c))]
    unused = [column for column in unused if _plain(column) not in map(_plain, form.unused)]
    warnings = table.warnings
    if unused:
        what = f"Columns that are not used: {quoted(unused)}."
        warnings = (*warnings, Problem(None, "warning", what, f"{form.kind.capitalize()} need none of them."))
    return replace(table, header=tuple(own), rows=rows, warnings=warnings)


def likely(header: tuple[str, ...], form: Form, own: Mapping[str, str]) -> dict[str, str]:
    """``own`` with columns that other common names suggest for what is missing."""
    free = {_plain(column): column for column in reversed(header) if column not in own.values()}
    found = dict(own)
    for need in form.needs:
        if any(set(way) <= set(found) for way in need):
            continue
        ways = [{field: _first(form.fields[field], free) for field in way if field not in found} for way in need]
        guess = next((way for way in ways if all(way.values())), ways[0])
        for field, column in guess.items():
            if column is not None and free.pop(_plain(column), None) is not None:
                found[field] = column
    return found


def written(columns: Mapping[str, str]) -> str:
    """Columns as the command line takes them: ``clean=clean_prompt,corrupt=corrupted``, quoted for a shell."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="").writerow([f"{field}={column}" for field, column in columns.items()])
    return shlex.quote(out.getvalue())


def given_columns(text: str) -> dict[str, str]:
    """The inverse of ``written``, after the shell.

    Raises:
        PromptError: an entry without an equals sign.
    """
    entries = next(csv.reader([text]), [])
    pairs = [tuple(part.strip() for part in entry.partition("=")) for entry in entries if entry.strip()]
    for field, sign, column in pairs:
        if not (field and sign and column):
            example = "Example: --columns clean=clean_prompt,corrupt=corrupted"
            raise PromptError(f"{text!r} does not say which column is which.", where="--columns", next_step=example)
    return {field: column for field, _, column in pairs}


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip()).casefold()


def _first(names: tuple[str, ...], there: Mapping[str, str]) -> str | None:
    return next((there[name] for name in names if name in there), None)


def _own_names(table: Table, form: Form) -> dict[str, str]:
    ours = {_plain(field): field for field in form.fields}
    found: dict[str, str] = {}
    for column in table.header:
        field = ours.get(_plain(column))
        if field in found:
            what = f"Columns that are there more than once: {quoted([found[field], column])}."
            raise PromptError(what, where=table.filename, next_step="Keep one of each.")
        if field is not None:
            found[field] = column
    return found


def _as_given(given: Mapping[str, str], table: Table, form: Form) -> dict[str, str]:
    columns = {_plain(column): column for column in table.header}
    for field, column in given.items():
        if field not in form.fields:
            what = f"{field!r} is no column of {form.kind}."
            raise PromptError(what, where="--columns", next_step=f"Choose among {', '.join(form.fields)}.")
        if _plain(column) not in columns:
            what = f"The file has no column {column!r}."
            raise PromptError(what, where="--columns", next_step=f"It has {quoted(table.header, most=12)}.")
    return {field: columns[_plain(column)] for field, column in given.items()}


def _renamed(row: Row, places: Mapping[str, str]) -> Row:
    return replace(row, named={places[c]: value for c, value in row.values.items() if c in places})


def _question(table: Table, form: Form, own: Mapping[str, str]) -> ColumnsAsked:
    guess = likely(table.header, form, own)
    missing = form.missing(own)
    option = {field: column for field, column in guess.items() if own.get(field) != column}
    option |= dict.fromkeys(form.missing(guess), "COLUMN")
    say = f"{form.advice} Or say" if form.missing(guess) else "Say"
    return ColumnsAsked(
        f"The columns are not those of {form.kind}. Columns that are missing: {quoted(missing)}; found: "
        f"{quoted(table.header)}.",
        where=table.filename,
        next_step=f"{say} which they are: --columns {written(option)}",
        header=table.header,
        fields=tuple(form.fields),
        likely=guess,
    )
