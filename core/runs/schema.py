"""The tables of a store, and how a database of an older version becomes one of this version."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
)

from core.errors import ResultError

METADATA = MetaData()

RUNS = Table(
    "runs",
    METADATA,
    Column("digest", String, primary_key=True),
    Column("spec", String, nullable=False),  # the whole RunSpec or LabSpec as JSON; the next five are for searching
    Column("model", String, nullable=False),
    Column("pairs_digest", String, nullable=False),
    Column("method", String, nullable=False),
    Column("metric", String, nullable=False),
    Column("direction", String, nullable=False),
    Column("pairs", Integer, nullable=False),
    Column("state", String, nullable=False),  # see core.runs.entry.State
    Column("problem", String, nullable=False),  # why it failed
    Column("owner", String),  # of a run not finished: the process that works on it
    Column("seconds", Float, nullable=False),
    Column("folder", String),  # name below the store's root; None: there are no effects yet
    Column("written", Integer, nullable=False),  # st_mtime_ns of run.json, to notice that it was replaced
    Column("size", Integer, nullable=False),  # bytes
    Column("created", Float, nullable=False),  # seconds since 1970, as the next ones
    Column("used", Float, nullable=False),
    Column("deleted", Float),
    Column("name", String, nullable=False),
    Column("tags", String, nullable=False),
    Column("notes", String, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("lab", String, nullable=False),  # the laboratory it belongs to; empty: attribution
)

PAIR_SETS = Table(
    "pair_sets",
    METADATA,
    Column("digest", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("pairs", String, nullable=False),  # JSON: one list of five texts a pair
    Column("created", Float, nullable=False),
)

_TEXT = "VARCHAR NOT NULL DEFAULT ''"
# One tuple of statements a version, never changed once released; the tables above are what all of them make.
STEPS: tuple[tuple[str, ...], ...] = (
    (
        f"""CREATE TABLE runs (digest VARCHAR PRIMARY KEY, spec VARCHAR NOT NULL, model VARCHAR NOT NULL,
        pairs_digest VARCHAR NOT NULL, method VARCHAR NOT NULL, metric VARCHAR NOT NULL, direction VARCHAR NOT NULL,
        pairs INTEGER NOT NULL, state VARCHAR NOT NULL, seconds FLOAT NOT NULL, folder VARCHAR,
        written INTEGER NOT NULL, size INTEGER NOT NULL, created FLOAT NOT NULL, used FLOAT NOT NULL, deleted FLOAT,
        name {_TEXT}, tags {_TEXT}, notes {_TEXT}, pinned BOOLEAN NOT NULL DEFAULT 0)""",
        """CREATE TABLE pair_sets (digest VARCHAR PRIMARY KEY, name VARCHAR NOT NULL, pairs VARCHAR NOT NULL,
        created FLOAT NOT NULL)""",
    ),
    (
        f"ALTER TABLE runs ADD COLUMN problem {_TEXT}",
        "ALTER TABLE runs ADD COLUMN owner VARCHAR",
        "CREATE INDEX runs_by_use ON runs (used)",
    ),
    (f"ALTER TABLE runs ADD COLUMN lab {_TEXT}",),
)


def open_database(path: Path) -> Engine:
    """The database in a file, made or brought to this version. One caller at a time.

    Several processes may use it at once: readers see the last finished write, writers wait for each other.

    Raises:
        ResultError: a newer version wrote it.
    """
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    with engine.begin() as connection:
        _migrate(connection, path)
    return engine


def _prepare(connection, _record) -> None:
    connection.isolation_level = None  # transactions begin where _begin says, not where the driver guesses
    connection.execute("PRAGMA busy_timeout=60000")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin(connection: Connection) -> None:
    # A reader that turns into a writer half-way could not wait for another writer; so writers say so at once.
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _migrate(connection: Connection, path: Path) -> None:
    version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if version > len(STEPS):
        raise ResultError(
            f"The store has version {version}; this program knows versions up to {len(STEPS)}.",
            where=str(path),
            next_step="Open it with the newer program that wrote it.",
        )
    for step in STEPS[version:]:
        for statement in step:
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA user_version={len(STEPS)}")
