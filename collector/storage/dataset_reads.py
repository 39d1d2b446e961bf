"""What is known of datasets: when each was updated, its schema, checks, and who reads and writes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Dialect, Select, bindparam, exists, func, or_, select

from collector.storage import upsert
from collector.storage.catalog import Named
from collector.storage.dataset_names import any_of
from collector.storage.edge_reads import count_readers_and_writers
from collector.storage.facet_reads import FacetVersion, current_facet
from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.prepared import Prepared
from collector.storage.runs import RunRow, runs_by_id
from collector.storage.tables import SORT_PREFIX, assertion, dataset, dataset_update
from collector.storage.visibility import Visible, within
from collector.storage.worst_standings import worst_states
from triggers.verdict import State


@dataclass(frozen=True, slots=True)
class Update:
    """A run brought new data. ``run`` is None for a declaration, and for a run that the caller may not see."""

    event_time: int
    received_at: int
    nominal_at: int | None
    partition: str | None
    version: str | None
    rows: int | None
    kind: str
    run: RunRow | None


@dataclass(frozen=True, slots=True)
class Assertion:
    """The result of one data-quality check in one run."""

    event_time: int
    assertion: str
    column: str | None
    name: str | None
    success: bool
    severity: str | None
    expected: str | None
    actual: str | None
    run: RunRow | None


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """A dataset in a list. ``fields`` is None where no schema is known."""

    id: int
    namespace: str
    name: str
    last_update: Update | None
    fields: int | None
    written_by: int
    read_by: int
    state: State | None
    """How it stands to what is expected of it, at worst."""
    affected: bool
    """Something else explains that."""


def summaries(conn: Connection, page: Page[Named], visible: Visible) -> Page[DatasetSummary]:
    """Add to a page of datasets what a list shows of them, in as many statements for one as for all."""
    if not page.items:
        return Page([])
    ids = [item.id for item in page.items]
    updates = last_updates(conn, ids, visible)
    schemas = current_facet(conn, ids, "schema")
    counts = count_readers_and_writers(conn, ids, visible)
    states = worst_states(conn, ids)
    return page.map(
        lambda item: DatasetSummary(
            id=item.id,
            namespace=item.namespace,
            name=item.name,
            last_update=updates.get(item.id),
            fields=len(schema_fields(schemas[item.id])) if item.id in schemas else None,
            written_by=counts.get(item.id, (0, 0))[0],
            read_by=counts.get(item.id, (0, 0))[1],
            state=states[item.id].state if item.id in states else None,
            affected=item.id in states and states[item.id].affected,
        )
    )


def schema_fields(version: FacetVersion) -> list[Any]:
    """Give the fields of a ``schema`` facet as sent; none if it is not one."""
    body = msgspec.json.decode(version.body)
    fields = body.get("fields") if isinstance(body, dict) else None
    return fields if isinstance(fields, list) else []


def last_updates(conn: Connection, dataset_ids: Sequence[int], visible: Visible) -> dict[int, Update]:
    """Give the update that each of these datasets is as fresh as, under whatever name it came, of those that have one.

    It is the newest, but for two kinds that bring nothing newer: a backfill, whose nominal time lies before that of
    another update, and the same version written again.
    """
    named = select(dataset.c.id, dataset.c.canonical_id).where(dataset.c.id.in_(dataset_ids))
    canonical = {row.id: row.canonical_id for row in conn.execute(named)}
    ids = upsert.many(conn, set(canonical.values()))
    rows = _last_updates(conn.dialect, visible).run(conn, {"ids": ids}).all()
    # Each name of a dataset has its newest; the last of them counts.
    last = {row.canonical_id: row for row in rows}
    runs = runs_by_id(conn, (row.run_id for row in last.values()), visible)
    return {id_: _update(last[of], runs) for id_, of in canonical.items() if of in last}


def updated_at(conn: Connection, canonical_ids: Collection[int], visible: Visible) -> dict[int, int]:
    """Give the time (µs UTC) of the update that each of these datasets is as fresh as: see ``last_updates``."""
    if not canonical_ids:
        return {}
    rows = _last_updates(conn.dialect, visible).run(conn, {"ids": upsert.many(conn, canonical_ids)})
    # In the order of time: each name of a dataset has its newest, and the last of them counts.
    return {row.canonical_id: row.event_time for row in rows}


@lru_cache(maxsize=32)
def _last_updates(dialect: Dialect, visible: Visible) -> Prepared:
    member = dataset.alias("member")
    newest = _frontier(member).correlate(member).scalar_subquery()
    there = (dataset_update.c.dataset_id == member.c.id) & (dataset_update.c.event_time == newest)
    # Not required: the list of namespaces is written out when this is compiled, before there are ids.
    ids = bindparam("ids", type_=upsert.MANY, required=False)
    mine = upsert.among_parameter(dialect, member.c.canonical_id, ids)
    return Prepared(
        select(member.c.canonical_id, dataset_update)
        .join_from(member, dataset_update, there)
        .where(mine, within(member.c.namespace_id, visible))
        .order_by(dataset_update.c.event_time, dataset_update.c.run_id),
        dialect,
    )


def _frontier(member: Any) -> Select[int]:
    """Give the time of the last update under one name that brought something newer to the dataset."""
    update, other, earlier = (dataset_update.alias(name) for name in ("u", "other", "earlier"))
    same, also = dataset.alias("same"), dataset.alias("also")
    # Name by name: each is one look into the index.
    nominal = select(func.max(other.c.nominal_at)).where(other.c.dataset_id == same.c.id)
    last_nominal = (
        select(func.max(nominal.correlate(same).scalar_subquery()))
        .where(same.c.canonical_id == member.c.canonical_id)
        .correlate_except(same)
        .scalar_subquery()
    )
    # By its beginning too: that is what the index holds.
    beginning = func.substr(earlier.c.version, 1, SORT_PREFIX) == func.substr(
        update.c.version, 1, SORT_PREFIX
    )
    written_before = (
        exists()
        .where(
            also.c.canonical_id == member.c.canonical_id,
            earlier.c.dataset_id == also.c.id,
            earlier.c.version.is_not(None),
            beginning,
            earlier.c.version == update.c.version,
            earlier.c.event_time < update.c.event_time,
        )
        .correlate(update, member)
    )
    return (
        select(update.c.event_time)
        .where(
            update.c.dataset_id == member.c.id,
            or_(update.c.nominal_at.is_(None), update.c.nominal_at >= last_nominal),
            or_(update.c.version.is_(None), ~written_before),
        )
        .order_by(update.c.event_time.desc())
        .limit(1)
    )


def list_updates(
    conn: Connection, members: Sequence[int], *, visible: Visible, after: Key | None, limit: int
) -> Page[Update]:
    """List the updates of a dataset, ``members`` being the ids of its names, the newest first."""
    order = (dataset_update.c.event_time, dataset_update.c.run_id)
    mine = select(dataset_update).where(any_of(conn, dataset_update.c.dataset_id, members))
    rows = conn.execute(ordered(mine, order, after, limit, newest=True)).all()
    page = cut(rows, limit, lambda row: (row.event_time, row.run_id))
    runs = runs_by_id(conn, (row.run_id for row in page.items), visible)
    return page.map(lambda row: _update(row, runs))


def list_assertions(
    conn: Connection, members: Sequence[int], *, visible: Visible, after: Key | None, limit: int
) -> Page[Assertion]:
    """List the results of checks on a dataset, the newest first."""
    order = (assertion.c.event_time, assertion.c.run_id, assertion.c.key)
    mine = select(assertion).where(any_of(conn, assertion.c.dataset_id, members))
    rows = conn.execute(ordered(mine, order, after, limit, newest=True)).all()
    page = cut(rows, limit, lambda row: (row.event_time, row.run_id, row.key))
    runs = runs_by_id(conn, (row.run_id for row in page.items), visible)
    return page.map(lambda row: _assertion(row, runs))


def last_assertions(
    conn: Connection, members: Sequence[int], *, visible: Visible, limit: int
) -> list[Assertion]:
    """Give the last result of each check on a dataset, the newest first, at most ``limit``."""
    mine = any_of(conn, assertion.c.dataset_id, members)
    latest = select(assertion.c.key, func.max(assertion.c.event_time).label("at")).where(mine)
    last = latest.group_by(assertion.c.key).subquery()
    same = (assertion.c.key == last.c.key) & (assertion.c.event_time == last.c.at)
    order = (assertion.c.event_time.desc(), assertion.c.run_id.desc(), assertion.c.key)
    rows = conn.execute(
        select(assertion).join_from(assertion, last, same).where(mine).order_by(*order).limit(limit)
    )
    # Two runs may have checked in the same microsecond; the later row of them counts.
    newest = {row.key: row for row in reversed(rows.all())}
    runs = runs_by_id(conn, (row.run_id for row in newest.values()), visible)
    return [_assertion(row, runs) for row in reversed(newest.values())]


def deleted_at(facets: Mapping[str, FacetVersion], last_update: Update | None) -> int | None:
    """Tell since when a dataset is gone: its newest life-cycle change is DROP and nothing was written since."""
    change = facets.get("lifecycleStateChange")
    if change is None:
        return None
    body = msgspec.json.decode(change.body)
    dropped = isinstance(body, dict) and body.get("lifecycleStateChange") == "DROP"
    if not dropped or (last_update is not None and last_update.event_time > change.last_seen_at):
        return None
    return change.last_seen_at


def _update(row: Any, runs: dict[int, RunRow]) -> Update:
    return Update(
        event_time=row.event_time,
        received_at=row.received_at,
        nominal_at=row.nominal_at,
        partition=row.partition,
        version=row.version,
        rows=row.rows,
        kind=row.kind,
        run=runs.get(row.run_id),
    )


def _assertion(row: Any, runs: dict[int, RunRow]) -> Assertion:
    return Assertion(
        event_time=row.event_time,
        assertion=row.assertion,
        column=row.column,
        name=row.name,
        success=row.success,
        severity=row.severity,
        expected=row.expected,
        actual=row.actual,
        run=runs.get(row.run_id),
    )
