"""Writing rows that may be there already does the same on both dialects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from collector.storage.engine import Database
from collector.storage.tables import assertion, facet, run_io
from collector.storage.upsert import (
    LARGEST,
    REPLACE,
    SMALLEST,
    SUM,
    among,
    delete_rows,
    replace,
    write_rows,
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


FACET = ("owner_id", "name", "hash", "first_seen_at", "last_seen_at")


def test_rows_are_merged_by_rule(database: Database) -> None:
    rules = {"first_seen_at": SMALLEST, "last_seen_at": LARGEST}
    with database.write() as conn:
        write_rows(conn, facet, FACET, [(1, "a", b"\0" * 16, 10, 10), (2, "a", b"\xff" * 16, 5, 5)], rules)
        write_rows(conn, facet, FACET, [(1, "a", b"\0" * 16, 7, 7), (2, "a", b"\xff" * 16, 9, 9)], rules)
    with database.read() as conn:
        found = conn.execute(select(facet).order_by(facet.c.owner_id)).all()
    assert found == [(1, "a", b"\0" * 16, 7, 10), (2, "a", b"\xff" * 16, 5, 9)]


def test_without_a_rule_the_first_row_stays_even_among_equals(database: Database) -> None:
    with database.write() as conn:
        write_rows(conn, facet, FACET, [(1, "a", b"h", 1, 1), (1, "a", b"h", 2, 2)])
        write_rows(conn, facet, FACET, [(1, "a", b"h", 3, 3)])
        write_rows(conn, facet, FACET, [])
        assert conn.execute(select(facet)).all() == [(1, "a", b"h", 1, 1)]


def test_null_says_nothing(database: Database) -> None:
    fixed = ("run_id", "dataset_id", "direction", "implied", "lifecycle", "artificial")
    columns = (*fixed, "rows", "bytes", "files", "version", "partition")
    rules = {
        "rows": LARGEST,
        "bytes": SMALLEST,
        "files": SUM,
        "version": "coalesce(old.{c}, excluded.{c})",
        "partition": REPLACE,
        "implied": "(old.{c} OR excluded.{c})",
    }
    first = (1, 2**62, 0, False, 0, False, None, None, 1, None, "p")
    second = (1, 2**62, 0, True, 0, False, 5, 6, 2, "v", None)
    with database.write() as conn:
        write_rows(conn, run_io, columns, [first], rules)
        write_rows(conn, run_io, columns, [second], rules)
        write_rows(conn, run_io, columns, [(*first[:8], 0, *first[9:])], rules)
        row = conn.execute(select(run_io)).one()
    assert (row.rows, row.bytes, row.files, row.version, row.partition, row.implied) == (
        5,
        6,
        3,
        "v",
        "p",
        True,
    )


def test_columns_named_like_keywords_and_awkward_texts(database: Database) -> None:
    columns = ("dataset_id", "run_id", "key", "event_time", "digest", "assertion", "column", "success")
    texts = ["", "a'b", 'a"b', "a,b", "{a}", "a\\b", "NULL", "100%", "%s", ":x", "é\n"]
    rows = [(number, 1, -number, 0, 0, value, None, True) for number, value in enumerate(texts)]
    with database.write() as conn:
        write_rows(conn, assertion, columns, rows, {"column": REPLACE})
        found = conn.execute(
            select(assertion.c.assertion, assertion.c.column).order_by(assertion.c.dataset_id)
        )
        assert found.all() == [(value, None) for value in texts]


def test_with_newest_only_later_rows_change_what_is_there(database: Database) -> None:
    columns = ("dataset_id", "run_id", "key", "event_time", "digest", "assertion", "success")
    rows = [(1, 1, 1, 10, 5, "first", True)]
    later = [(10, 4, "lower"), (9, 9, "earlier"), (10, 5, "same"), (10, 6, "higher"), (11, 0, "later")]
    found = []
    with database.write() as conn:
        write_rows(conn, assertion, columns, rows)
        for event_time, digest, text in later:
            row = (1, 1, 1, event_time, digest, text, True)
            write_rows(conn, assertion, columns, [row], replace(assertion), newest=("event_time", "digest"))
            found.append(conn.execute(select(assertion.c.assertion)).scalar())
    assert found == ["first", "first", "first", "higher", "later"]


def test_rows_are_deleted_by_their_whole_key(database: Database) -> None:
    with database.write() as conn:
        write_rows(conn, facet, FACET, [(owner, name, b"h", 1, 1) for owner in (1, 2) for name in ("a", "b")])
        delete_rows(conn, facet, [(1, "a", b"h"), (2, "b", b"h"), (3, "a", b"h")])
        delete_rows(conn, facet, [])
        left = conn.execute(select(facet.c.owner_id, facet.c.name).order_by(facet.c.owner_id)).all()
    assert left == [(1, "b"), (2, "a")]


def test_among_takes_any_number_of_values(database: Database) -> None:
    with database.write() as conn:
        write_rows(conn, facet, FACET, [(owner, "a", b"h", 1, 1) for owner in (1, 2, 2**62)])
    with database.read() as conn:
        query = select(facet.c.owner_id).order_by(facet.c.owner_id)
        many = [1, 2**62, *range(10, 70_000)]
        assert conn.execute(query.where(among(conn, facet.c.owner_id, many))).scalars().all() == [1, 2**62]
        assert conn.execute(query.where(among(conn, facet.c.owner_id, []))).all() == []
