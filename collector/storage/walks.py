"""The statements with which the graph is walked, each made once for each way of asking."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    FromClause,
    bindparam,
    literal_column,
    or_,
    select,
    union_all,
)

from collector.storage.folding import members_where, stand
from collector.storage.prepared import Prepared
from collector.storage.tables import dataset, derivation, edge, job, namespace
from collector.storage.upsert import MANY, among_parameter
from collector.storage.validity import valid_between
from lineage.fold import Fold
from lineage.model import Direction

DATA: Final = {Direction.INPUT: (Direction.INPUT,), Direction.OUTPUT: (Direction.OUTPUT,)}
CONTROL: Final = {
    Direction.INPUT: (Direction.INPUT, Direction.AFTER),
    Direction.OUTPUT: (Direction.OUTPUT, Direction.BEFORE),
}


class Asking(NamedTuple):
    """How a graph is asked. ``timed``: at a moment (parameters ``since`` and ``at``), not what is open now."""

    dialect: Dialect
    fold: Fold
    control: bool
    timed: bool

    def among(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Say that a column is one of the parameter ``ids``."""
        return among_parameter(self.dialect, column, bindparam("ids", type_=MANY))

    def valid(self, edges: FromClause, direction: Direction) -> ColumnElement[bool]:
        """Say that an edge counts, and leads in this direction."""
        since, at = (bindparam(name, type_=BigInteger) if self.timed else None for name in ("since", "at"))
        directions = (CONTROL if self.control else DATA)[direction]
        # Written into the statement: with a parameter SQLite would not know how few they are.
        literal: list[ColumnElement[int]] = [literal_column(str(int(each))) for each in directions]
        leads = edges.c.direction == literal[0] if len(literal) == 1 else edges.c.direction.in_(literal)
        return leads & valid_between(since, at, edges)


@lru_cache
def from_jobs(asking: Asking, direction: Direction) -> Prepared:
    """Rows (near, far, direction) from jobs to datasets."""
    folded = members_where(asking.fold, asking.among).cte("members")
    statement = (
        select(folded.c.stand, dataset.c.canonical_id, edge.c.direction)
        .join_from(folded, edge, edge.c.job_id == folded.c.id)
        .join(dataset, dataset.c.id == edge.c.dataset_id)
        .where(asking.valid(edge, direction))
    )
    return Prepared(statement, asking.dialect)


@lru_cache
def from_datasets(asking: Asking, direction: Direction) -> Prepared:
    """Rows (near, far, direction) from datasets to jobs; upstream (INPUT) is who writes."""
    other = Direction.OUTPUT if direction is Direction.INPUT else Direction.INPUT
    statement = (
        select(dataset.c.canonical_id, stand(asking.fold), edge.c.direction)
        .join_from(dataset, edge, edge.c.dataset_id == dataset.c.id)
        .join(job, job.c.id == edge.c.job_id)
        .where(asking.among(dataset.c.canonical_id), asking.valid(edge, other))
    )
    return Prepared(statement, asking.dialect)


@lru_cache
def between_datasets(asking: Asking, direction: Direction) -> Prepared:
    """Rows (near, far, direction of the write, of the read, job) from datasets to datasets.

    An output with explicit sources is made from those, any other from all that its job reads and that is not implied.
    """
    upstream = direction is Direction.INPUT
    read, write = edge.alias("r"), edge.alias("w")
    near, far = dataset.alias("near"), dataset.alias("far")
    here, there = (write, read) if upstream else (read, write)
    asked = asking.among(near.c.canonical_id)
    writes = asking.valid(write, Direction.OUTPUT)
    columns: tuple[Any, ...] = (near.c.canonical_id, far.c.canonical_id, write.c.direction)
    whole = (
        select(*columns, read.c.direction, write.c.job_id)
        .join_from(near, here, here.c.dataset_id == near.c.id)
        .join(there, there.c.job_id == here.c.job_id)
        .join(far, far.c.id == there.c.dataset_id)
        .where(asked, writes, asking.valid(read, Direction.INPUT))
        .where(write.c.derivation_id.is_(None), ~read.c.implied)
    )
    explicit = select(*columns, literal_column("0"), write.c.job_id)
    if upstream:
        explicit = (
            explicit.join_from(near, write, write.c.dataset_id == near.c.id)
            .join(derivation, derivation.c.id == write.c.derivation_id)
            .join(far, far.c.id == derivation.c.dataset_id)
        )
    else:
        explicit = (
            explicit.join_from(near, derivation, derivation.c.dataset_id == near.c.id)
            .join(write, write.c.derivation_id == derivation.c.id)
            .join(far, far.c.id == write.c.dataset_id)
        )
    return Prepared(union_all(whole, explicit.where(asked, writes).distinct()), asking.dialect)


@lru_cache
def jobs(asking: Asking) -> Prepared:
    """Rows (id, namespace, name, id of the dataset whose maker it stands for)."""
    statement = (
        select(job.c.id, namespace.c.name, job.c.name, job.c.dataset_id)
        .join_from(job, namespace, namespace.c.id == job.c.namespace_id)
        .where(asking.among(job.c.id))
    )
    return Prepared(statement, asking.dialect)


@lru_cache
def datasets(asking: Asking) -> Prepared:
    """Rows (canonical id, id, namespace, name, whether it is hidden) of all names of datasets."""
    statement = (
        select(
            dataset.c.canonical_id,
            dataset.c.id,
            namespace.c.name,
            dataset.c.name,
            or_(dataset.c.artificial, dataset.c.job_id.is_not(None)),
        )
        .join_from(dataset, namespace, namespace.c.id == dataset.c.namespace_id)
        .where(asking.among(dataset.c.canonical_id))
    )
    return Prepared(statement, asking.dialect)
