"""What rules are judged by, read from the database for many datasets at once: updates, checks and schemas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    FromClause,
    Label,
    Select,
    Text,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    true,
)

from collector.storage.facet_reads import bodies_of
from collector.storage.node_facts import check_name
from collector.storage.prepared import Prepared
from collector.storage.selects import chunks
from collector.storage.tables import SORT_PREFIX, assertion, dataset, dataset_update, facet
from collector.storage.upsert import MANY, among_parameter, many, rows_parameter, table_parameter
from lineage.runs import Update
from triggers.facts import Check, Facts, SchemaSeen
from triggers.growing import in_force
from triggers.needs import SIZES, Need, suffice

BATCH = 1_000
"""Datasets that are read with one statement."""

EVER: Final = -(2**63)
"""An instant before all others."""


class SqlFacts:
    """Reads through ``conn``. Satisfies ``triggers.needs.FactSource``.

    The same few statements answer for a thousand datasets. The first three of them are repeated, for those datasets of
    which what was read is not enough, at most as often as ``triggers.needs.SIZES`` says.
    """

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def facts(self, wanted: Mapping[int, Need]) -> dict[int, Facts]:
        found: dict[int, Facts] = {}
        needs = list(wanted.items())
        for start in range(0, len(needs), BATCH):
            found |= self._batch(dict(needs[start : start + BATCH]))
        return found

    def _batch(self, wanted: Mapping[int, Need]) -> dict[int, Facts]:
        updates = self._updates({id_: need for id_, need in wanted.items() if need.asked})
        checking = [id_ for id_, need in wanted.items() if need.checks]
        checks = self._checks(checking, updates) if checking else {}
        agreeing = [id_ for id_, need in wanted.items() if need.schemas]
        schemas = self._schemas(agreeing) if agreeing else {}
        return {id_: Facts(updates.get(id_, ()), checks.get(id_, ()), schemas.get(id_, ())) for id_ in wanted}

    def _rows(self, statement: Callable[[Dialect], Prepared], values: Mapping[str, object]) -> Iterable[Any]:
        return statement(self._conn.dialect).run(self._conn, values).fetchall()

    # --- updates -----------------------------------------------------------------------------------------------

    def _updates(self, wanted: dict[int, Need]) -> dict[int, list[Update]]:
        found: dict[int, list[Update]] = {}
        for size in SIZES:
            now = {id_: need for id_, need in wanted.items() if need.before <= size}
            if not now:
                continue
            read = self._newest(now, size)
            self._add_earlier(read)
            for id_, need in now.items():
                known = read.get(id_)
                if known is None:
                    del wanted[id_]
                elif suffice(need, known.updates, known.whole_from):
                    found[id_] = known.updates
                    del wanted[id_]
        return found

    def _newest(self, wanted: Mapping[int, Need], size: int) -> dict[int, _Read]:
        """Read all updates since what is needed in any case, and under each name the newest ``size`` before."""
        since = {id_: need.since for id_, need in wanted.items()}
        values = rows_parameter(self._conn, "wanted", ("id", "since"), list(since.items()))
        found: dict[int, _Read] = {}
        before: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for id_, *columns in self._rows(_newest, values | {"more": size - 1}):
            update = Update(*columns)
            read = found.get(id_)
            if read is None:
                read = found[id_] = _Read([])
            read.updates.append(update)
            if update.event_time < since[id_]:
                before[id_, update.dataset_id].append(update.event_time)
        for (id_, _), times in before.items():
            if len(times) >= size:
                # There may be more before the first of them.
                found[id_].whole_from = max(found[id_].whole_from or EVER, min(times))
        return found

    def _add_earlier(self, read: Mapping[int, _Read]) -> None:
        """Add what the updates read have to be compared with, of those that were not read."""
        cut = {id_: each.whole_from for id_, each in read.items() if each.whole_from is not None}
        nominal = [
            (id_, at)
            for id_, at in cut.items()
            if any(update.nominal_at is not None for update in read[id_].updates)
        ]
        versions = [
            (id_, at, version)
            for id_, at in cut.items()
            for version in {update.version for update in read[id_].updates} - {None}
        ]
        for statement, columns, rows in (
            (_greatest_nominal, ("id", "cut"), nominal),
            (_same_version, ("id", "cut", "version"), versions),
        ):
            if rows:
                values = rows_parameter(self._conn, "wanted", columns, rows)
                for id_, *update in self._rows(statement, values):
                    read[id_].updates.append(Update(*update))

    # --- checks and schemas ------------------------------------------------------------------------------------

    def _checks(
        self, dataset_ids: Collection[int], updates: Mapping[int, Sequence[Update]]
    ) -> dict[int, list[Check]]:
        """Read the newest results of each check, and those of the runs whose updates were read."""
        runs = {update.run_id for id_ in dataset_ids for update in updates.get(id_, ())}
        values = {"ids": many(self._conn, dataset_ids), "runs": many(self._conn, runs)}
        found: defaultdict[int, list[Check]] = defaultdict(list)
        for row in self._rows(_checks, values):
            id_, name, what, column, at, run_id, success, severity = row
            check = Check(check_name(name, what, column), at, run_id, bool(success), severity)
            found[id_].append(check)
        return found

    def _schemas(self, dataset_ids: Collection[int]) -> dict[int, list[SchemaSeen]]:
        values = {"ids": many(self._conn, dataset_ids)}
        seen: defaultdict[int, dict[bytes, tuple[int, int]]] = defaultdict(dict)
        for id_, hash_, first, last in self._rows(_schemas, values):
            known = seen[id_].get(hash_, (first, last))
            seen[id_][bytes(hash_)] = min(first, known[0]), max(last, known[1])
        hashes = sorted({hash_ for versions in seen.values() for hash_ in versions})
        bodies: dict[bytes, Any] = {}
        for part in chunks(hashes):
            bodies |= {
                hash_: msgspec.json.decode(body) for hash_, body in bodies_of(self._conn, part).items()
            }
        return {
            id_: [
                SchemaSeen(at, bodies[hash_])
                for hash_, at in in_force(versions)
                if isinstance(bodies[hash_], dict)
            ]
            for id_, versions in seen.items()
        }


@dataclass(slots=True)
class _Read:
    """Updates of a dataset: all from ``whole_from`` on (None: all there are), and some before."""

    updates: list[Update]
    whole_from: int | None = None


@lru_cache
def _newest(dialect: Dialect) -> Prepared:
    wanted = table_parameter(dialect, "wanted", id=BigInteger(), since=BigInteger())
    cut = (
        select(_EARLIER.c.event_time)
        .where(_EARLIER.c.dataset_id == dataset.c.id, _EARLIER.c.event_time < wanted.c.since)
        .order_by(_EARLIER.c.event_time.desc())
        .limit(1)
        .offset(bindparam("more", type_=BigInteger))
        .correlate(dataset, wanted)
        .scalar_subquery()
    )
    found = _found(wanted, func.coalesce(cut, _number(EVER)).label("cut"))
    return _look_up(dialect, found, dataset_update.c.event_time >= found.c.cut)


@lru_cache
def _greatest_nominal(dialect: Dialect) -> Prepared:
    wanted = table_parameter(dialect, "wanted", id=BigInteger(), cut=BigInteger())
    greatest = (
        select(_EARLIER.c.event_time)
        .where(
            _EARLIER.c.dataset_id == dataset.c.id,
            _EARLIER.c.nominal_at.is_not(None),
            _EARLIER.c.event_time < wanted.c.cut,
        )
        .order_by(_EARLIER.c.nominal_at.desc())
    )
    return _one_each(dialect, wanted, greatest)


@lru_cache
def _same_version(dialect: Dialect) -> Prepared:
    wanted = table_parameter(dialect, "wanted", id=BigInteger(), cut=BigInteger(), version=Text())
    beginning, wanted_beginning = (
        func.substr(version, _number(1), _number(SORT_PREFIX))
        for version in (_EARLIER.c.version, wanted.c.version)
    )
    same = (
        select(_EARLIER.c.event_time)
        .where(
            _EARLIER.c.dataset_id == dataset.c.id,
            # By its beginning too: that is what the index holds. Put like this, as SQLite would rather read all updates
            # of the dataset: it believes that there are ten.
            _EARLIER.c.version.is_not(None),
            beginning.between(wanted_beginning, wanted_beginning),
            _EARLIER.c.version == wanted.c.version,
            _EARLIER.c.event_time + _number(0) < wanted.c.cut,
        )
        .order_by(beginning)
    )
    return _one_each(dialect, wanted, same)


def _one_each(dialect: Dialect, wanted: FromClause, times: Select[tuple[int]]) -> Prepared:
    """Select what was updated at the first of ``times`` under each name of each dataset."""
    first = times.limit(1).correlate(dataset, wanted).scalar_subquery()
    found = _found(wanted, first.label("at"))
    return _look_up(dialect, found, dataset_update.c.event_time == found.c.at)


def _found(wanted: FromClause, time: Label[int]) -> CTE:
    """Find a time for each name of the datasets: first, and then updates are looked up by it."""
    names = select(wanted.c.id, dataset.c.id.label("name_id"), time).join_from(
        wanted, dataset, dataset.c.canonical_id == wanted.c.id
    )
    return names.cte("found").prefix_with("MATERIALIZED")


def _look_up(dialect: Dialect, found: CTE, time: ColumnElement[bool]) -> Prepared:
    """Select the updates of each name at the times that were found for it."""
    mine = and_(dataset_update.c.dataset_id == found.c.name_id, time)
    if dialect.name != "postgresql":
        return Prepared(select(found.c.id, *_UPDATE).join_from(found, dataset_update, mine), dialect)
    # One by one, by the index: while it has no statistics PostgreSQL would rather read all updates there are. It takes
    # a query with an offset as it stands.
    there = select(*_UPDATE).where(mine).correlate(found).offset(_number(0)).lateral("there")
    return Prepared(select(found.c.id, *there.c).join_from(found, there, true()), dialect)


_EARLIER: Final = dataset_update.alias("earlier")
_UPDATE: Final = tuple(dataset_update.c[name] for name in Update._fields)


@lru_cache
def _checks(dialect: Dialect) -> Prepared:
    mine = among_parameter(dialect, dataset.c.canonical_id, bindparam("ids", type_=MANY))
    # A check that once warned and once did not counts as two: one of them may be left out by a rule.
    kind = (assertion.c.dataset_id, assertion.c.key, assertion.c.severity)
    newest = func.max(assertion.c.event_time).over(partition_by=kind)
    key = tuple(assertion.primary_key.columns)
    # Of all results only what is compared, as there may be thousands; the rest of the few that are chosen.
    ranked = (
        select(dataset.c.canonical_id, *key, assertion.c.event_time, newest.label("newest"))
        .join_from(dataset, assertion, assertion.c.dataset_id == dataset.c.id)
        .where(mine)
        .subquery()
    )
    asked = among_parameter(dialect, ranked.c.run_id, bindparam("runs", type_=MANY))
    names = (assertion.c.name, assertion.c.assertion, assertion.c.column)
    result = (assertion.c.event_time, assertion.c.run_id, assertion.c.success, assertion.c.severity)
    return Prepared(
        select(ranked.c.canonical_id, *names, *result)
        .join_from(ranked, assertion, and_(*(column == ranked.c[column.name] for column in key)))
        .where(or_(ranked.c.event_time == ranked.c.newest, asked)),
        dialect,
    )


@lru_cache
def _schemas(dialect: Dialect) -> Prepared:
    mine = among_parameter(dialect, dataset.c.canonical_id, bindparam("ids", type_=MANY))
    return Prepared(
        select(dataset.c.canonical_id, facet.c.hash, facet.c.first_seen_at, facet.c.last_seen_at)
        .join_from(dataset, facet, facet.c.owner_id == dataset.c.id)
        .where(mine, facet.c.name == literal_column("'schema'"), func.length(facet.c.hash) > _number(0)),
        dialect,
    )


def _number(value: int) -> ColumnElement[int]:
    # Written into the statement: what is always the same is no parameter.
    return literal_column(str(value), BigInteger)
