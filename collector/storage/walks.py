"""The statements with which the graph is walked, each made once for each way of asking."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Dialect,
    FromClause,
    Select,
    bindparam,
    false,
    func,
    literal_column,
    select,
    union_all,
)

from collector.storage.folding import members_where, stand
from collector.storage.prepared import Prepared
from collector.storage.tables import dataset, derivation, edge, job, namespace
from collector.storage.upsert import MANY, among_parameter
from collector.storage.validity import valid_between
from collector.storage.visibility import Visible, within
from lineage.fold import Fold
from lineage.model import Direction

DATA: Final = {Direction.INPUT: (Direction.INPUT,), Direction.OUTPUT: (Direction.OUTPUT,)}
CONTROL: Final = {
    Direction.INPUT: (Direction.INPUT, Direction.AFTER),
    Direction.OUTPUT: (Direction.OUTPUT, Direction.BEFORE),
}

HIDDEN: Final[ColumnElement[bool]] = dataset.c.artificial | dataset.c.job_id.is_not(None)
"""Of a dataset: it was made up to stand for what passes between the parts of a job, and is never shown."""


def _given(name: str, type_: Any) -> BindParameter[Any]:
    """Make a parameter. Not required: compiling writes lists of namespaces out, and has no values then."""
    return bindparam(name, type_=type_, required=False)


class Asking(NamedTuple):
    """How a graph is asked. ``timed``: at a moment (parameters ``since`` and ``at``), not what is open now."""

    dialect: Dialect
    fold: Fold
    control: bool
    timed: bool

    def among(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Say that a column is one of the parameter ``ids``."""
        return among_parameter(self.dialect, column, _given("ids", MANY))

    def valid(self, edges: FromClause, direction: Direction) -> ColumnElement[bool]:
        """Say that an edge counts, and leads in this direction."""
        since, at = (_given(name, BigInteger) if self.timed else None for name in ("since", "at"))
        directions = (CONTROL if self.control else DATA)[direction]
        # Written into the statement: with a parameter SQLite would not know how few they are.
        literal: list[ColumnElement[int]] = [literal_column(str(int(each))) for each in directions]
        leads = edges.c.direction == literal[0] if len(literal) == 1 else edges.c.direction.in_(literal)
        return leads & valid_between(since, at, edges)


def from_jobs(asking: Asking, direction: Direction) -> Select[Any]:
    """Rows (near, far, direction) from jobs to datasets."""
    folded = members_where(asking.fold, asking.among).cte("members")
    return (
        select(folded.c.stand.label("near"), dataset.c.canonical_id.label("far"), edge.c.direction)
        .join_from(folded, edge, edge.c.job_id == folded.c.id)
        .join(dataset, dataset.c.id == edge.c.dataset_id)
        .where(asking.valid(edge, direction))
    )


def from_datasets(asking: Asking, direction: Direction) -> Select[Any]:
    """Rows (near, far, direction) from datasets to jobs; upstream (INPUT) is who writes."""
    other = Direction.OUTPUT if direction is Direction.INPUT else Direction.INPUT
    return (
        select(dataset.c.canonical_id.label("near"), stand(asking.fold).label("far"), edge.c.direction)
        .join_from(dataset, edge, edge.c.dataset_id == dataset.c.id)
        .join(job, job.c.id == edge.c.job_id)
        .where(asking.among(dataset.c.canonical_id), asking.valid(edge, other))
    )


def between_datasets(asking: Asking, direction: Direction) -> CompoundSelect[Any]:
    """Rows (near, far, direction of the write, of the read, job) from datasets to datasets.

    An output with explicit sources is made from those, any other from all that its job reads and that is not implied.
    """
    upstream = direction is Direction.INPUT
    read, write = edge.alias("r"), edge.alias("w")
    near, far = dataset.alias("near_dataset"), dataset.alias("far_dataset")
    here, there = (write, read) if upstream else (read, write)
    asked = asking.among(near.c.canonical_id)
    writes = asking.valid(write, Direction.OUTPUT)
    ends = near.c.canonical_id.label("near"), far.c.canonical_id.label("far")
    columns: tuple[Any, ...] = (*ends, write.c.direction.label("wrote"))
    whole = (
        select(*columns, read.c.direction.label("did_read"), write.c.job_id)
        .join_from(near, here, here.c.dataset_id == near.c.id)
        .join(there, there.c.job_id == here.c.job_id)
        .join(far, far.c.id == there.c.dataset_id)
        .where(asked, writes, asking.valid(read, Direction.INPUT))
        # Not as it is, or SQLite begins at all edges without a derivation, which are nearly all there are.
        .where(func.coalesce(write.c.derivation_id.is_(None), false()), ~read.c.implied)
    )
    explicit = select(*columns, literal_column("0").label("did_read"), write.c.job_id)
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
    return union_all(whole, explicit.where(asked, writes).distinct())


Walk = Callable[[Asking, Direction], Select[Any] | CompoundSelect[Any]]
"""One of the three above."""


@lru_cache
def steps(walk: Walk, asking: Asking, direction: Direction) -> Prepared:
    """Rows as ``walk`` selects them."""
    return Prepared(walk(asking, direction), asking.dialect)


@lru_cache
def beside(walk: Walk, asking: Asking, direction: Direction, visible: Visible) -> Prepared:
    """Rows (near, number of those one step away that are not hidden and have a name in a visible namespace)."""
    found = walk(asking, direction).subquery("steps")
    far = found.c.far
    if walk is from_datasets:
        shown = found.join(job, (job.c.id == far) & job.c.dataset_id.is_(None))
        seen = within(job.c.namespace_id, visible)
    else:
        member = dataset.alias("member")
        shown = found.join(dataset, (dataset.c.id == far) & ~HIDDEN).join(
            member, member.c.canonical_id == far
        )
        seen = within(member.c.namespace_id, visible)
    counted = select(found.c.near, func.count(far.distinct())).select_from(shown)
    return Prepared(counted.where(seen).group_by(found.c.near), asking.dialect)


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
            HIDDEN,
        )
        .join_from(dataset, namespace, namespace.c.id == dataset.c.namespace_id)
        .where(asking.among(dataset.c.canonical_id))
    )
    return Prepared(statement, asking.dialect)
