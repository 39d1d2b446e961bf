"""Which datasets a list shows, under which other names they are known, and since when."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, literal_column, select

from collector.storage.catalog import Named
from collector.storage.marquez.hiding import hidden_datasets, is_shown
from collector.storage.tables import SORT_PREFIX, dataset, dataset_update, edge, facet, namespace, tagged
from collector.storage.upsert import among
from collector.storage.visibility import Visible, within
from lineage.model import entity_id


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """A dataset by one of its names. ``names`` are the ids of all of them; times in µs UTC, 0 where nothing tells.

    ``written`` is the newest (time, id of the name, number of the run's row) that brought new data; None: no run has.
    """

    named: Named
    names: tuple[int, ...]
    created_at: int
    updated_at: int
    written: tuple[int, int, int] | None


def list_datasets(
    conn: Connection, namespace_name: str, *, visible: Visible, limit: int, offset: int
) -> list[int]:
    """List the ids of the datasets of a namespace, by the beginnings of their names."""
    # Constants, not parameters: the planners compare this text with the index's.
    beginning = func.substr(dataset.c.name, literal_column("1"), literal_column(str(SORT_PREFIX)))
    mine = dataset.c.namespace_id == entity_id("namespace", namespace_name)
    shown = select(dataset.c.id).where(mine, is_shown(dataset), within(dataset.c.namespace_id, visible))
    page = shown.order_by(beginning, dataset.c.id).limit(limit).offset(offset)
    return list(conn.execute(page).scalars())


def count_datasets(conn: Connection, namespace_name: str, *, visible: Visible) -> int:
    """Count the datasets that the list has."""
    mine = (
        dataset.c.namespace_id == entity_id("namespace", namespace_name),
        within(dataset.c.namespace_id, visible),
    )
    every = select(func.count()).select_from(dataset).where(*mine)
    # The index on namespaces counts all; what is not shown is looked at by itself.
    points = every.where(dataset.c.job_id.is_not(None))
    hidden = every.where(dataset.c.job_id.is_(None), dataset.c.id.in_(hidden_datasets()))
    row = conn.execute(select(every.scalar_subquery() - points.scalar_subquery() - hidden.scalar_subquery()))
    return int(row.scalar_one())


def find_dataset(conn: Connection, namespace_name: str, name: str, visible: Visible) -> int | None:
    """Give the id of a dataset that is shown; None if there is none, or the caller may not see it."""
    id_ = entity_id("dataset", namespace_name, name)
    shown = (is_shown(dataset), within(dataset.c.namespace_id, visible))
    return conn.execute(select(dataset.c.id).where(dataset.c.id == id_, *shown)).scalar()


def dataset_rows(
    conn: Connection, ids: Collection[int], may_see: Callable[[str], bool]
) -> dict[int, DatasetRow]:
    """Give what is known of datasets under all of their names that the caller may see, by id."""
    if not ids:
        return {}
    other, place = dataset.alias("other"), namespace.alias("place")
    pairs = (
        select(
            dataset.c.id,
            namespace.c.name.label("namespace"),
            dataset.c.name,
            other.c.id.label("other_id"),
            place.c.name.label("other_place"),
        )
        .join_from(dataset, namespace, namespace.c.id == dataset.c.namespace_id)
        .join(other, other.c.canonical_id == dataset.c.canonical_id)
        .join(place, place.c.id == other.c.namespace_id)
        .where(among(conn, dataset.c.id, ids), other.c.job_id.is_(None))
    )
    named: dict[int, Named] = {}
    names: dict[int, list[int]] = {}
    for row in conn.execute(pairs).all():
        if not may_see(row.other_place):
            continue
        named[row.id] = Named(row.id, row.namespace, row.name)
        names.setdefault(row.id, []).append(row.other_id)
    every = sorted({id_ for some in names.values() for id_ in some})
    written = _written(conn, every)
    times = _times(conn, every, {id_: (first, last[0]) for id_, (first, last) in written.items()})
    found = {}
    for id_, some in names.items():
        known = [times[name] for name in some if name in times]
        updates = [written[name][1] for name in some if name in written]
        found[id_] = DatasetRow(
            named[id_],
            tuple(sorted(some)),
            min((first for first, _ in known), default=0),
            max((last for _, last in known), default=0),
            max(updates, default=None),
        )
    return found


def tags_of(conn: Connection, owner_ids: Collection[int]) -> dict[int, dict[str, list[str]]]:
    """Give the tags of jobs or datasets, by owner and field; those of the whole are under the empty field."""
    found: dict[int, dict[str, list[str]]] = {}
    mine = select(tagged.c.owner_id, tagged.c.field, tagged.c.tag).where(
        among(conn, tagged.c.owner_id, owner_ids)
    )
    for owner, field, name in conn.execute(mine.order_by(tagged.c.tag)).all():
        found.setdefault(owner, {}).setdefault(field, []).append(name)
    return found


def _written(conn: Connection, ids: Sequence[int]) -> dict[int, tuple[int, tuple[int, int, int]]]:
    """Give the time of the first update of each dataset, and its newest (time, dataset, run)."""
    mine = select(dataset_update.c.event_time).where(dataset_update.c.dataset_id == dataset.c.id).limit(1)
    newest = (dataset_update.c.event_time.desc(), dataset_update.c.run_id.desc())
    last = mine.order_by(*newest).correlate(dataset)
    columns = (
        mine.order_by(dataset_update.c.event_time).correlate(dataset).scalar_subquery().label("first"),
        last.scalar_subquery().label("last"),
        last.with_only_columns(dataset_update.c.run_id).scalar_subquery().label("writer"),
    )
    rows = conn.execute(select(dataset.c.id, *columns).where(among(conn, dataset.c.id, ids)))
    return {row.id: (row.first, (row.last, row.id, row.writer)) for row in rows if row.first is not None}


def _times(
    conn: Connection, ids: Sequence[int], written: dict[int, tuple[int, int]]
) -> dict[int, tuple[int, int]]:
    """Give when the first and the last event named each dataset, as far as tables tell."""
    found = dict(written)
    seen = select(
        facet.c.owner_id,
        func.min(facet.c.first_seen_at).label("first"),
        func.max(facet.c.last_seen_at).label("last"),
    ).where(among(conn, facet.c.owner_id, ids))
    for row in conn.execute(seen.group_by(facet.c.owner_id)).all():
        first, last = found.get(row.owner_id, (row.first, row.last))
        found[row.owner_id] = (min(first, row.first), max(last, row.last))
    # A dataset that thousands of jobs read has as many edges: they are asked only about those that have nothing else.
    rest = [id_ for id_ in ids if id_ not in found]
    used = select(
        edge.c.dataset_id,
        func.min(edge.c.valid_from).label("first"),
        func.max(edge.c.valid_from).label("last"),
    ).where(among(conn, edge.c.dataset_id, rest))
    for row in conn.execute(used.group_by(edge.c.dataset_id)) if rest else ():
        found[row.dataset_id] = (row.first, row.last)
    return found
