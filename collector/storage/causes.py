"""Alerts by their causes: what is wrong that nothing else explains, and how much each of it explains.

A cause that is over stays among the open ones while something that it explains has not caught up yet.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, or_, select

from collector.storage import alert_reads
from collector.storage.alert_reads import GRAVEST_FIRST, AlertRow, Seen, Wanted
from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.tables import alert, expectation_state
from collector.storage.upsert import among
from triggers.forecasting import FORECAST

FORETOLD: Final = json.dumps(FORECAST)
"""The labels of an alert about what is to come."""

DATASET: Final = "dataset"


class Counts(NamedTuple):
    """How much is wrong now, all in all."""

    causes: int
    acknowledged: int
    """Of the causes."""
    muted: int
    """Of the causes."""
    datasets: int
    """That are not as expected, each counted once."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What a cause comes to, itself left out; instants in µs UTC."""

    datasets: int = 0
    """That are not as expected."""
    foretold: int = 0
    """That will probably be late."""
    owners: tuple[str, ...] = ()
    """Of the cause and all of these, those of most first."""
    deadlines: int = 0
    """Of these datasets, those whose deadline is yet to come."""
    next_deadline: int | None = None


def lingering(conn: Connection) -> list[int]:
    """Give the ids of causes that are over, of which something that they explain is not."""
    root = alert.alias("root")
    open_roots = (
        select(alert.c.cause)
        .where(alert.c.ends_at.is_(None), alert.c.cause.is_not(None))
        .distinct()
        .subquery()
    )
    newest = (
        select(func.max(root.c.id).label("id"))
        .join_from(open_roots, root, root.c.fingerprint == open_roots.c.cause)
        .group_by(root.c.fingerprint)
        .subquery()
    )
    over = select(alert.c.id).join_from(newest, alert, alert.c.id == newest.c.id)
    return list(conn.execute(over.where(alert.c.ends_at.is_not(None))).scalars())


def list_causes(
    conn: Connection,
    wanted: Wanted,
    seen: Seen,
    lingering: Collection[int],
    *,
    since: int | None,
    after: Key | None,
    limit: int,
) -> Page[AlertRow]:
    """List causes: open ones the gravest and newest first, others (``which="ended"``) those that ended last.

    ``lingering`` ones are among the open. Of ended ones only those that ended at ``since`` (µs UTC) or later, if that
    is given. ``wanted.subject_ids`` are what a cause is about, or something that it explains; ``cause`` and
    ``affected`` are not looked at.
    """
    rest = replace(wanted, which="all", subject_ids=None, cause=None, affected=None)
    chosen = [alert_reads.may_see(seen), _top(seen), *alert_reads.conditions(conn, rest)]
    if wanted.subject_ids is not None:
        chosen.append(_about(conn, wanted.subject_ids))
    if wanted.which == "ended":
        chosen += [alert.c.ends_at.is_not(None), ~among(conn, alert.c.id, lingering)]
        if since is not None:
            chosen.append(alert.c.ends_at >= since)
        statement = select(alert).where(*chosen)
        rows = conn.execute(
            ordered(statement, (alert.c.ends_at, alert.c.id), after, limit, newest=True)
        ).all()
        page = cut(rows, limit, lambda row: (row.ends_at, row.id))
    else:
        rank = case(GRAVEST_FIRST, value=alert.c.severity, else_=0)
        order: list[ColumnElement[Any]] = [rank, -alert.c.starts_at, alert.c.id]
        statement = select(alert, rank.label("rank")).where(_open(conn, lingering), *chosen)
        rows = conn.execute(ordered(statement, order, after, limit)).all()
        page = cut(rows, limit, lambda row: (row.rank, -row.starts_at, row.id))
    return Page(alert_reads.shown(conn, page.items, seen), page.next)


def count(conn: Connection, seen: Seen, lingering: Collection[int]) -> Counts:
    """Count what is wrong now; ``lingering`` causes are among the open."""
    causes = select(func.count(), func.count(alert.c.acknowledged_at), func.count(alert.c.muted_by)).where(
        alert_reads.may_see(seen), _top(seen), _open(conn, lingering)
    )
    datasets = select(func.count(alert.c.subject_id.distinct())).where(
        alert_reads.may_see(seen),
        alert.c.ends_at.is_(None),
        alert.c.type == DATASET,
        alert.c.labels != FORETOLD,
    )
    number, acknowledged, muted = conn.execute(causes).one()
    return Counts(number, acknowledged, muted, conn.execute(datasets).scalar_one())


def tallies(
    conn: Connection, causes: Sequence[AlertRow], seen: Seen, now: int, *, ended: bool = False
) -> dict[int, Tally]:
    """Give what each of these causes, by id, comes to as of ``now`` (µs UTC).

    If they have ``ended``, what it came to as long as it lasted, otherwise what is open of it.
    """
    by_print = {each.fingerprint: each for each in causes}
    counted = _counted(now).where(alert_reads.may_see(seen), alert.c.type == DATASET)
    root = alert.alias("root")
    if ended:
        same = and_(
            alert.c.cause == root.c.fingerprint,
            alert.c.starts_at >= root.c.starts_at,
            alert.c.starts_at <= root.c.ends_at,
        )
        counted = counted.add_columns(root.c.id.label("root")).join(root, same)
        counted = counted.where(among(conn, root.c.id, [each.id for each in causes])).group_by(root.c.id)
    else:
        counted = counted.add_columns(alert.c.cause.label("root")).group_by(alert.c.cause)
        counted = counted.where(alert.c.ends_at.is_(None), alert.c.cause.in_(by_print))
    rows: dict[int, list[Any]] = defaultdict(list)
    for row in conn.execute(counted):
        rows[row.root if ended else by_print[row.root].id].append(row)
    return {each.id: _tally(each, rows.get(each.id, ())) for each in causes}


def affected(
    conn: Connection, causes: Sequence[AlertRow], seen: Seen, limit: int
) -> dict[int, list[AlertRow]]:
    """Give what open causes explain, by the id of the cause: of each at most ``limit``, the gravest and newest."""
    by_print = {each.fingerprint: each for each in causes}
    rank = case(GRAVEST_FIRST, value=alert.c.severity, else_=0)
    place = func.row_number().over(
        partition_by=alert.c.cause, order_by=(rank, -alert.c.starts_at, alert.c.id)
    )
    ranked = (
        select(alert.c.id, place.label("place"))
        .where(alert_reads.may_see(seen), alert.c.ends_at.is_(None), alert.c.cause.in_(by_print))
        .subquery()
    )
    chosen = select(alert).join_from(ranked, alert, alert.c.id == ranked.c.id).where(ranked.c.place <= limit)
    rows = conn.execute(chosen.order_by(ranked.c.place)).all()
    found: dict[int, list[AlertRow]] = {each.id: [] for each in causes}
    for row, shown in zip(rows, alert_reads.shown(conn, rows, seen), strict=True):
        found[by_print[row.cause].id].append(shown)
    return found


def _counted(now: int) -> Any:
    """Begin to count datasets by their owners, and by whether something about them is only foretold."""
    ahead = expectation_state.c.deadline_at > now
    foretold = case((alert.c.labels == FORETOLD, 1), else_=0).label("foretold")
    same = and_(
        expectation_state.c.expectation_id == alert.c.rule,
        expectation_state.c.dataset_id == alert.c.subject_id,
    )
    counted = select(
        alert.c.owner,
        foretold,
        func.count(alert.c.subject_id.distinct()).label("datasets"),
        func.count(case((ahead, alert.c.subject_id)).distinct()).label("deadlines"),
        func.min(case((ahead, expectation_state.c.deadline_at))).label("next_deadline"),
    )
    return counted.join_from(alert, expectation_state, same, isouter=True).group_by(alert.c.owner, foretold)


def _tally(cause: AlertRow, rows: Sequence[Any]) -> Tally:
    owned: dict[str, int] = defaultdict(int)
    if cause.owner is not None:
        owned[cause.owner] += 0
    for row in rows:
        if row.owner is not None:
            owned[row.owner] += row.datasets
    return Tally(
        sum(row.datasets for row in rows if not row.foretold),
        sum(row.datasets for row in rows if row.foretold),
        tuple(sorted(owned, key=lambda name: (-owned[name], name))),
        sum(row.deadlines for row in rows),
        min((row.next_deadline for row in rows if row.next_deadline is not None), default=None),
    )


def _open(conn: Connection, lingering: Collection[int]) -> ColumnElement[bool]:
    is_open = alert.c.ends_at.is_(None)
    return or_(is_open, among(conn, alert.c.id, lingering)) if lingering else is_open


def _top(seen: Seen) -> ColumnElement[bool]:
    """Give the condition that nothing explains an alert that the caller may see."""
    unexplained = alert.c.cause.is_(None)
    if seen.visible is None:
        return unexplained
    root = alert.alias("explaining")
    known = exists().where(root.c.fingerprint == alert.c.cause, root.c.namespace.in_(seen.places))
    return or_(unexplained, ~known)


def _about(conn: Connection, subject_ids: Collection[int]) -> ColumnElement[bool]:
    other = alert.alias("other")
    explained = select(other.c.cause).where(among(conn, other.c.subject_id, subject_ids))
    return or_(
        among(conn, alert.c.subject_id, subject_ids),
        alert.c.fingerprint.in_(explained.where(other.c.cause.is_not(None))),
    )
