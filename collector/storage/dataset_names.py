"""The names of one dataset: which they are, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, select

from collector.storage import upsert
from collector.storage.catalog import Named, names_of
from collector.storage.tables import dataset, dataset_alias
from collector.storage.visibility import Visible, within


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name of the same dataset, and why it is one: ``lineage.model.Reason`` and what else there is to say."""

    dataset: Named
    reason: str
    detail: str | None


def member_ids(conn: Connection, dataset_id: int, *, visible: Visible) -> list[int]:
    """Give the ids of all names of a dataset that the caller may see, its own among them."""
    canonical = select(dataset.c.canonical_id).where(dataset.c.id == dataset_id).scalar_subquery()
    same = select(dataset.c.id).where(dataset.c.canonical_id == canonical)
    return list(
        conn.execute(same.where(within(dataset.c.namespace_id, visible)).order_by(dataset.c.id)).scalars()
    )


def any_of(conn: Connection, column: ColumnElement[int], ids: Sequence[int]) -> ColumnElement[bool]:
    """Say that ``column`` is one of ``ids``; of a single one in a way that keeps the order of an index."""
    return column == ids[0] if len(ids) == 1 else upsert.among(conn, column, ids)


def canonical_name(conn: Connection, dataset_id: int, *, visible: Visible) -> Named | None:
    """Give the name that stands for all of a dataset's; None if the caller may not see it."""
    canonical = conn.execute(select(dataset.c.canonical_id).where(dataset.c.id == dataset_id)).scalar_one()
    return names_of(conn, "dataset", [canonical], visible=visible).get(canonical)


def list_aliases(
    conn: Connection, dataset_id: int, members: Sequence[int], *, visible: Visible, limit: int
) -> list[Alias]:
    """Give the other names of a dataset, of ``members``, at most ``limit``, each with its reason.

    It is what joins the two directly, or else what joins the other one to the set.
    """
    shown = [id_ for id_ in members if id_ != dataset_id][:limit]
    if not shown:
        return []
    this, other = dataset_alias.c.dataset_id, dataset_alias.c.other_id
    touching = upsert.among(conn, this, shown) | upsert.among(conn, other, shown)
    reasons: dict[int, tuple[int, str, str]] = {}
    for row in conn.execute(select(dataset_alias).where(touching)):
        direct = dataset_id in (row.dataset_id, row.other_id)
        # Directly joined; joined by what its own name means; named by another.
        for id_, rank in ((row.dataset_id, 0 if direct else 1), (row.other_id, 0 if direct else 2)):
            found = rank, row.reason, row.detail or ""
            reasons[id_] = min(reasons.get(id_, found), found)
    names = names_of(conn, "dataset", shown, visible=visible)
    aliases = [
        Alias(name, reasons[id_][1], reasons[id_][2] or None) for id_, name in names.items() if id_ in reasons
    ]
    return sorted(aliases, key=lambda alias: (alias.dataset.namespace, alias.dataset.name))
