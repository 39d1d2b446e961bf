"""Edges that came and went between two instants, found by the indexes on when intervals begin and end.

Told in the terms of the graph: a job is the one that stands for it, a dataset all of its names, and what was declared
without a job leads from dataset to dataset. Datasets that only stand for data passed between jobs are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, Select, exists, or_, select, union

from collector.storage.folding import members, stand
from collector.storage.pages import Key as PageKey
from collector.storage.pages import Page, ordered
from collector.storage.tables import dataset, edge, job
from collector.storage.timelines import LONG_AGO
from collector.storage.upsert import among
from collector.storage.validity import valid
from collector.storage.walks import CONTROL, DATA
from lineage.differences import Change, Piece, change
from lineage.fold import Fold, LinkKind
from lineage.model import Direction
from lineage.timeline import Moment
from lineage.traverse import Key

EdgeKey = tuple[int, int, int]
"""(job that stands for it, canonical dataset, direction)."""

UPSTREAM = CONTROL[Direction.INPUT]
ROW = (edge.c.job_id, edge.c.dataset_id, edge.c.direction)


class EdgeChange(NamedTuple):
    """An edge between two nodes came or went."""

    source: Key
    target: Key
    kind: LinkKind
    change: Change


@dataclass(frozen=True, slots=True)
class Span:
    """What to look at: the time from ``start`` (exclusive) to ``end`` (inclusive) in µs UTC, and in which terms.

    ``near``: only edges with both ends among these nodes.
    """

    start: int
    end: int
    fold: Fold = Fold.AUTO
    control: bool = False
    near: Collection[Key] | None = None


def edge_changes(conn: Connection, span: Span, *, after: PageKey | None, limit: int) -> Page[EdgeChange]:
    """List the edges that came and went, in the order of time.

    A page looks at ``limit`` places where intervals begin or end. Most are no change (an interval that follows another
    at once), so a page may hold fewer, although more follow.
    """
    halves = (
        conn.execute(ordered(_boundaries(conn, span, at), (at, *ROW), after, limit))
        for at in (edge.c.valid_from, edge.c.valid_to)
    )
    places = [(place, next(rows)) for place, rows in groupby(merge(*halves, key=_place), key=_place)]
    kept = places[:limit]
    pieces = _pieces(conn, span, {_edge_key(row) for _, row in kept})
    changes = []
    for _, row in kept:
        mine = pieces[_edge_key(row)]
        found, ends = change((piece for _, piece in mine), span.start, span.end), _ends(row)
        # Several names of a dataset may have changed at that instant: the first of them tells.
        if found is None or ends is None or found.at != row.at:
            continue
        if (row.job_id, row.dataset_id) == min(stored for stored, piece in mine if row.at in piece[:2]):
            changes.append(EdgeChange(*ends, found))
    return Page(changes, kept[-1][0] if len(places) > limit else None)


class Turn(NamedTuple):
    """An instant (µs UTC) at which edges came or went, and how many."""

    at: int
    came: int
    went: int


def turns(conn: Connection, span: Span, *, limit: int) -> tuple[list[Turn], bool]:
    """Give the instants in a span at which edges came or went, the newest first, and whether there may be earlier ones.

    ``limit`` places where intervals begin or end are looked at; most of them are no change.
    """
    halves = (
        conn.execute(ordered(_boundaries(conn, span, at), (at, *ROW), None, limit, newest=True))
        for at in (edge.c.valid_from, edge.c.valid_to)
    )
    places = [
        (place, next(rows)) for place, rows in groupby(merge(*halves, key=_place, reverse=True), key=_place)
    ]
    kept = [row for _, row in places[:limit]]
    pieces = _pieces(conn, span, {_edge_key(row) for row in kept})
    found: dict[int, dict[EdgeKey, bool]] = defaultdict(dict)
    for row in kept:
        key = _edge_key(row)
        turned = change((piece for _, piece in pieces[key]), row.at - 1, row.at)
        if turned is not None and _ends(row) is not None:
            found[row.at][key] = turned.came
    turned_at = [
        Turn(at, sum(edges.values()), len(edges) - sum(edges.values())) for at, edges in found.items()
    ]
    return turned_at, len(places) > limit


def present(conn: Connection, nodes: Iterable[Key], moment: Moment, fold: Fold) -> set[Key]:
    """Tell which of these nodes have any edge at a moment."""
    wanted = set(nodes)
    jobs = [id_ for kind, id_ in wanted if kind == "job"]
    datasets = [id_ for kind, id_ in wanted if kind == "dataset"]
    found: set[Key] = set()
    # Not those that hold by definition, between a job and a point beside it.
    told = (valid(moment), edge.c.valid_from > LONG_AGO)
    of_dataset = exists().where(edge.c.dataset_id == dataset.c.id, *told)
    if jobs:
        folded = members(conn, fold, jobs).cte("members")
        own = select(folded.c.stand).where(exists().where(edge.c.job_id == folded.c.id, *told))
        beside = select(folded.c.stand).join_from(folded, dataset, dataset.c.job_id == folded.c.id)
        found |= {("job", row.stand) for row in conn.execute(union(own, beside.where(of_dataset)))}
    if datasets:
        shown = select(dataset.c.canonical_id).where(
            among(conn, dataset.c.canonical_id, datasets), of_dataset
        )
        found |= {("dataset", row.canonical_id) for row in conn.execute(shown.distinct())}
    return found


def _boundaries(conn: Connection, span: Span, at: Column[Any]) -> Select[Any]:
    """Give where intervals begin, or end, in the span, with all that says between which nodes."""
    other, made = job.alias("other"), dataset.alias("made")
    stands, others = stand(span.fold), stand(span.fold, other)
    directions = CONTROL if span.control else DATA
    statement = (
        select(
            at.label("at"),
            *ROW,
            stands.label("stand"),
            dataset.c.canonical_id,
            dataset.c.point,
            others.label("other"),
            made.c.canonical_id.label("made"),
        )
        .outerjoin_from(edge, job, job.c.id == edge.c.job_id)
        .outerjoin(dataset, dataset.c.id == edge.c.dataset_id)
        .outerjoin(other, other.c.id == dataset.c.job_id)
        .outerjoin(made, made.c.id == job.c.dataset_id)
        .where(
            at > span.start,
            at <= span.end,
            edge.c.direction.in_([*directions[Direction.INPUT], *directions[Direction.OUTPUT]]),
            or_(dataset.c.artificial.is_(False), dataset.c.point.is_not(None)),
        )
    )
    if span.near is None:
        return statement
    jobs = [id_ for kind, id_ in span.near if kind == "job"]
    datasets = [id_ for kind, id_ in span.near if kind == "dataset"]

    def near(as_job: ColumnElement[int], as_dataset: ColumnElement[int]) -> ColumnElement[bool]:
        return or_(among(conn, as_job, jobs), among(conn, as_dataset, datasets))

    return statement.where(near(stands, made.c.canonical_id), near(others, dataset.c.canonical_id))


def _pieces(
    conn: Connection, span: Span, keys: Collection[EdgeKey]
) -> dict[EdgeKey, list[tuple[tuple[int, int], Piece]]]:
    """Give the intervals of edges that do not end before the span, each with the (job, dataset) that stores it."""
    found: dict[EdgeKey, list[tuple[tuple[int, int], Piece]]] = defaultdict(list)
    if not keys:
        return found
    folded = members(conn, span.fold, {job_id for job_id, _, _ in keys}).cte("members")
    statement = (
        select(edge, folded.c.stand, dataset.c.canonical_id)
        .join_from(folded, edge, edge.c.job_id == folded.c.id)
        .join(dataset, dataset.c.id == edge.c.dataset_id)
        .where(
            among(conn, dataset.c.canonical_id, {dataset_id for _, dataset_id, _ in keys}),
            or_(edge.c.valid_to.is_(None), edge.c.valid_to >= span.start),
        )
    )
    for row in conn.execute(statement):
        piece = Piece(row.valid_from, row.valid_to, row.opened_by, row.closed_by)
        found[_edge_key(row)].append(((row.job_id, row.dataset_id), piece))
    return found


def _edge_key(row: Any) -> EdgeKey:
    return row.stand, row.canonical_id, row.direction


def _place(row: Any) -> PageKey:
    return row.at, row.job_id, row.dataset_id, row.direction


def _ends(row: Any) -> tuple[Key, Key, LinkKind] | None:
    """Give the nodes that an edge leads from and to; None for those between a node and what stands for it."""
    direction = Direction(row.direction)
    kind: LinkKind = "data" if direction.is_data else "control"
    here: Key = ("job", row.stand) if row.made is None else ("dataset", row.made)
    there: Key = ("dataset", row.canonical_id) if row.point is None else ("job", row.other)
    if here == there or (row.made is not None and direction not in UPSTREAM):
        return None
    return (there, here, kind) if direction in UPSTREAM else (here, there, kind)
