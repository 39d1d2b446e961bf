"""Updates that have come for triggers: which are new, what they are, and what led to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    FromClause,
    Integer,
    Select,
    Text,
    bindparam,
    delete,
    func,
    literal_column,
    select,
)

from collector.storage.facts import UpdateKey
from collector.storage.prepared import Prepared
from collector.storage.selects import chunks
from collector.storage.tables import (
    SORT_PREFIX,
    arrival,
    dataset,
    dataset_update,
    firing,
    firing_action,
    job,
    namespace,
    run,
    trigger_binding,
)
from collector.storage.upsert import (
    MANY,
    among_parameter,
    many,
    replace,
    rows_parameter,
    table_parameter,
    write_rows,
)
from lineage.runs import Update
from triggers.arrivals import news_of, update_id

LONGEST_CHAIN = 30
"""Parents of a run that are looked at, one above the other."""

_EARLIER = dataset_update.alias("earlier")

Bound = tuple[str, str]
"""A trigger, and an input of it that is about a dataset."""


@dataclass(frozen=True, slots=True)
class Come:
    """A new update of a dataset that some trigger waits for."""

    id: int
    """See ``triggers.arrivals.update_id``."""
    update: Update
    dataset_id: int
    """Canonical."""
    namespace: str
    name: str
    run_key: bytes
    run_id: str
    job_id: int
    job_namespace: str
    job_name: str
    parent_key: bytes | None
    news: str
    again: bool
    """It was there before, with another partition."""


def bound(conn: Connection, names: Collection[int]) -> dict[int, list[Bound]]:
    """Give the inputs that are about datasets, by the ids of names of these."""
    if not names:
        return {}
    found: dict[int, list[Bound]] = {}
    for row in _bound(conn.dialect).run(conn, {"ids": many(conn, names)}):
        found.setdefault(row.id, []).append((row.trigger_id, row.input_id))
    return found


@lru_cache
def _bound(dialect: Dialect) -> Prepared:
    named = among_parameter(dialect, dataset.c.id, bindparam("ids", type_=MANY))
    mine = trigger_binding.c.dataset_id == dataset.c.canonical_id
    columns = (dataset.c.id, trigger_binding.c.trigger_id, trigger_binding.c.input_id)
    found = select(*columns).join_from(dataset, trigger_binding, mine).where(named)
    return Prepared(found.order_by(trigger_binding.c.trigger_id, trigger_binding.c.input_id), dialect)


def come(conn: Connection, keys: Iterable[UpdateKey]) -> list[Come]:
    """Give what has come, once each, in the order of its receipt, without what was there already."""
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return []
    rows = _updates(conn.dialect).run(conn, rows_parameter(conn, "wanted", ("id", "at", "run"), wanted)).all()
    found: dict[int, tuple[Update, Any]] = {}
    for row in rows:
        update = Update(*row[: len(Update._fields)])
        found[update_id(update, bytes(row.key), row.job_id)] = update, row
    known = {
        row.update_id: (row.partition, row.nominal_at)
        for row in _arrivals(conn.dialect).run(conn, {"ids": many(conn, found)})
    }
    new = {
        id_: (update, row)
        for id_, (update, row) in found.items()
        if known.get(id_) != (update.partition, update.nominal_at)
    }
    greatest, seen = _before(conn, [(update, row.canonical_id) for update, row in new.values()])
    result: list[Come] = []
    for (id_, (update, row)), nominal, version in zip(new.items(), greatest, seen, strict=True):
        result.append(
            Come(
                id_, update, row.canonical_id, row.dataset_namespace, row.dataset_name, bytes(row.key), row.own_id,
                row.job_id, row.job_namespace, row.job_name,
                None if row.parent_key is None else bytes(row.parent_key),
                news_of(update, nominal, version), id_ in known,
            )
        )  # fmt: skip
    return sorted(result, key=lambda each: (each.update.received_at, each.update.event_time, each.id))


@lru_cache
def _updates(dialect: Dialect) -> Prepared:
    wanted = table_parameter(dialect, "wanted", id=BigInteger(), at=BigInteger(), run=BigInteger())
    job_space = namespace.alias("job_space")
    mine = (
        (dataset_update.c.dataset_id == wanted.c.id)
        & (dataset_update.c.event_time == wanted.c.at)
        & (dataset_update.c.run_id == wanted.c.run)
    )
    columns = (
        *(dataset_update.c[name] for name in Update._fields),
        dataset.c.canonical_id,
        namespace.c.name.label("dataset_namespace"),
        dataset.c.name.label("dataset_name"),
        run.c.key,
        run.c.run_id.label("own_id"),
        run.c.job_id,
        job_space.c.name.label("job_namespace"),
        job.c.name.label("job_name"),
        run.c.parent_key,
    )
    return Prepared(
        select(*columns)
        .select_from(wanted)
        .join(dataset_update, mine)
        .join(dataset, dataset.c.id == dataset_update.c.dataset_id)
        .join(namespace, namespace.c.id == dataset.c.namespace_id)
        .join(run, run.c.id == dataset_update.c.run_id)
        .join(job, job.c.id == run.c.job_id)
        .join(job_space, job_space.c.id == job.c.namespace_id),
        dialect,
    )


@lru_cache
def _arrivals(dialect: Dialect) -> Prepared:
    return Prepared(
        select(arrival).where(among_parameter(dialect, arrival.c.update_id, bindparam("ids", type_=MANY))),
        dialect,
    )


def _before(conn: Connection, come: Sequence[tuple[Update, int]]) -> tuple[list[int | None], list[bool]]:
    """Tell of updates, each with its canonical dataset, what of that came before: the greatest nominal time after their
    own, and whether their version was there.

    Only those are asked about that have them: most have not, and it costs nothing.
    """
    greatest: list[int | None] = [None] * len(come)
    seen = [False] * len(come)
    timed = [
        (place, id_, update.run_id, update.received_at, update.nominal_at)
        for place, (update, id_) in enumerate(come)
        if update.nominal_at is not None
    ]
    if timed:
        values = rows_parameter(conn, "wanted", ("place", "id", "run", "at", "nominal"), timed)
        for row in _later_nominal(conn.dialect).run(conn, values):
            greatest[row.place] = row.found
    versioned = [
        (place, id_, update.run_id, update.received_at, update.version)
        for place, (update, id_) in enumerate(come)
        if update.version is not None
    ]
    if versioned:
        values = rows_parameter(conn, "wanted", ("place", "id", "run", "at", "version"), versioned)
        for row in _same_version(conn.dialect).run(conn, values):
            seen[row.place] = row.found is not None
    return greatest, seen


@lru_cache
def _later_nominal(dialect: Dialect) -> Prepared:
    whole = BigInteger()
    wanted = table_parameter(dialect, "wanted", place=whole, id=whole, run=whole, at=whole, nominal=whole)
    found = _EARLIER.c.nominal_at
    of_others = _of_others(found, wanted).where(found > wanted.c.nominal).order_by(found.desc()).limit(1)
    return Prepared(
        select(wanted.c.place, of_others.correlate(wanted).scalar_subquery().label("found")), dialect
    )


@lru_cache
def _same_version(dialect: Dialect) -> Prepared:
    whole = BigInteger()
    wanted = table_parameter(dialect, "wanted", place=whole, id=whole, run=whole, at=whole, version=Text())
    own = _EARLIER.c.version
    # By its beginning too: that is what the index holds.
    length = literal_column(str(SORT_PREFIX), Integer)
    beginning = func.substr(own, literal_column("1", Integer), length) == func.substr(
        wanted.c.version, literal_column("1", Integer), length
    )
    same = _of_others(_EARLIER.c.run_id, wanted).where(own.is_not(None), beginning, own == wanted.c.version)
    return Prepared(
        select(wanted.c.place, same.limit(1).correlate(wanted).scalar_subquery().label("found")), dialect
    )


def _of_others(column: ColumnElement[int], wanted: FromClause) -> Select[int]:
    """Select of the other updates of a dataset, under all of its names, those that were received before."""
    return (
        select(column)
        .join_from(dataset, _EARLIER, _EARLIER.c.dataset_id == dataset.c.id)
        .where(
            dataset.c.canonical_id == wanted.c.id,
            _EARLIER.c.run_id != wanted.c.run,
            _EARLIER.c.received_at <= wanted.c.at,
        )
    )


def take(conn: Connection, taken: Iterable[Come], now: int) -> None:
    """Remember what triggers have been given."""
    rows = [(each.id, each.update.partition, each.update.nominal_at, now) for each in taken]
    write_rows(conn, arrival, tuple(arrival.c.keys()), rows, replace(arrival))


def prune(conn: Connection, before: int, limit: int) -> int:
    """Forget what was taken before an instant (µs UTC), some of it; give how much."""
    old = select(arrival.c.update_id).where(arrival.c.taken_at < before).limit(limit).scalar_subquery()
    return conn.execute(delete(arrival).where(arrival.c.update_id.in_(old))).rowcount


class Descendant(Protocol):
    """A run that brought an update."""

    @property
    def run_key(self) -> bytes: ...
    @property
    def parent_key(self) -> bytes | None: ...


def chains(
    conn: Connection, taken: Collection[Descendant], recognised: Callable[[bytes], Sequence[str]]
) -> dict[bytes, tuple[str, ...]]:
    """Give the triggers whose firings led to runs, by the keys of these; those that none led to are left out.

    ``recognised`` gives those of runs that have been recognised in this round, of others nothing.
    """
    # Of every run that is looked at, those below it that want to know.
    below: dict[bytes, set[bytes]] = {each.run_key: {each.run_key} for each in taken}
    for each in taken:
        if each.parent_key is not None:
            below.setdefault(each.parent_key, set()).add(each.run_key)
    found: dict[bytes, tuple[str, ...]] = {}
    looked: set[bytes] = set()
    for _ in range(LONGEST_CHAIN):
        level = [key for key in below if key not in looked]
        if not level:
            break
        looked.update(level)
        known = {key: tuple(chain) for key in level if (chain := recognised(key))} | _fired(conn, level)
        for key, chain in known.items():
            for wanting in below[key]:
                found[wanting] = max(found.get(wanting, ()), chain, key=len)
        for key, parent_key in _parents(conn, [key for key in level if key not in known]):
            below.setdefault(parent_key, set()).update(below[key])
    return found


def _uuid(key: bytes) -> str:
    return str(UUID(bytes=key))


def _chain(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def _fired(conn: Connection, keys: Sequence[bytes]) -> dict[bytes, tuple[str, ...]]:
    """Give the chains of the runs that are firings, or were started by one."""
    found: dict[bytes, tuple[str, ...]] = {}
    for part in chunks(keys):
        ids = {_uuid(key): key for key in part}
        rows = conn.execute(select(firing.c.id, firing.c.chain).where(firing.c.id.in_(list(ids))))
        found |= {ids[row.id]: _chain(row.chain) for row in rows}
        started = select(firing_action.c.run_key, firing.c.chain).join(
            firing, firing.c.id == firing_action.c.firing_id
        )
        for row in conn.execute(started.where(firing_action.c.run_key.in_(part))):
            found[bytes(row.run_key)] = _chain(row.chain)
    return found


def _parents(conn: Connection, keys: Sequence[bytes]) -> Iterable[tuple[bytes, bytes]]:
    for part in chunks(keys):
        wanted = select(run.c.key, run.c.parent_key).where(run.c.key.in_(part), run.c.parent_key.is_not(None))
        for row in conn.execute(wanted):
            yield bytes(row.key), bytes(row.parent_key)


def any_fired(conn: Connection) -> bool:
    """Tell whether any trigger ever fired: before, nothing was led to by one."""
    return (
        conn.execute(select(func.count()).select_from(select(firing.c.id).limit(1).subquery())).scalar() == 1
    )
