"""Namespaces, jobs and datasets by name: listing, looking up, and reading a node's text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    func,
    literal_column,
    select,
)

from collector.errors import FieldError, NotFound, Unprocessable
from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.tables import SORT_PREFIX, dataset, job, namespace
from collector.storage.upsert import among
from collector.storage.visibility import Visible, within
from lineage.model import DatasetRef, JobRef, entity_id

NodeType = Literal["job", "dataset"]


@dataclass(frozen=True, slots=True)
class Named:
    """A job or a dataset: its id and its name."""

    id: int
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Node:
    """A job or a dataset in the graph."""

    type: NodeType
    id: int
    namespace: str
    name: str

    @property
    def text(self) -> str:
        """How a node is written: ``dataset:NS:NAME`` or ``job:NS:NAME``."""
        return f"{self.type}:{self.namespace}:{self.name}"

    @property
    def ref(self) -> JobRef | DatasetRef:
        """What walks of the graph begin at."""
        return (JobRef if self.type == "job" else DatasetRef)(self.namespace, self.name)


TABLES = {"job": job, "dataset": dataset}

MAX_SPLITS = 1000
"""Ways to split the text of a node that are tried; real namespaces have a handful of colons."""


def list_namespaces(conn: Connection, *, visible: Visible, after: Key | None, limit: int) -> Page[str]:
    """List the names of namespaces in the order of the alphabet."""
    order = (_beginning(namespace.c.name), namespace.c.id)
    columns = select(namespace.c.name, order[0].label("beginning"), namespace.c.id)
    rows = conn.execute(ordered(columns.where(within(namespace.c.id, visible)), order, after, limit)).all()
    return cut(rows, limit, lambda row: (row.beginning, row.id)).map(lambda row: row.name)


def list_named(
    conn: Connection,
    kind: NodeType,
    *,
    namespace_name: str | None,
    q: str | None,
    visible: Visible,
    after: Key | None,
    limit: int,
    only: Sequence[ColumnElement[bool]] = (),
) -> Page[Named]:
    """List jobs or datasets, namespace by namespace, in each by the first characters of the name.

    Without ``namespace_name`` the namespaces come in an order of no meaning. ``q`` is looked for anywhere in the
    name, letter case aside. ``only`` are further conditions.
    """
    table = TABLES[kind]
    names = (_beginning(table.c.name), table.c.id)
    columns = named_rows(kind).add_columns(names[0].label("beginning"), table.c.namespace_id)
    columns = columns.where(within(table.c.namespace_id, visible), *only)
    if q:
        columns = columns.where(table.c.name.icontains(q, autoescape=True))
    if namespace_name is not None:
        columns = columns.where(table.c.namespace_id == entity_id("namespace", namespace_name))
    rows: list[Any] = []
    if q:
        # No index knows what is inside a name, so the whole table is read, which is quickest in its own order: the
        # sum is a column that no index has.
        order = (table.c.namespace_id + literal_column("0"), *names)
        rows += conn.execute(ordered(columns, order, after, limit))
    elif after is not None or namespace_name is not None:
        # Within one namespace the index finds the beginning of any page; across all it would find the namespace only.
        here = columns if after is None else columns.where(table.c.namespace_id == after[0])
        rows += conn.execute(ordered(here, names, after and after[1:], limit))
    if not q and namespace_name is None and len(rows) <= limit:
        others = columns if after is None else columns.where(table.c.namespace_id > after[0])
        rows += conn.execute(ordered(others, (table.c.namespace_id, *names), None, limit - len(rows)))
    page = cut(rows, limit, lambda row: (row.namespace_id, row.beginning, row.id))
    return page.map(lambda row: Named(row.id, row.namespace, row.name))


def find_named(
    conn: Connection, kind: NodeType, namespace_name: str, name: str, *, visible: Visible
) -> Named:
    """Look up a job or a dataset; raises ``NotFound``, also for what the caller may not see."""
    table = TABLES[kind]
    statement = named_rows(kind).where(table.c.id == entity_id(kind, namespace_name, name))
    row = conn.execute(statement.where(within(table.c.namespace_id, visible))).one_or_none()
    if row is None:
        raise NotFound(f"There is no {kind} {name!r} in namespace {namespace_name!r}.")
    return Named(row.id, row.namespace, row.name)


def names_of(conn: Connection, kind: NodeType, ids: Sequence[int], *, visible: Visible) -> dict[int, Named]:
    """Give the names of jobs or datasets by id; hidden ones and what the caller may not see are left out."""
    if not ids:
        return {}
    table = TABLES[kind]
    rows = conn.execute(named_rows(kind).where(table.c.id.in_(ids), within(table.c.namespace_id, visible)))
    return {row.id: Named(row.id, row.namespace, row.name) for row in rows}


def resolve_node(conn: Connection, text: str, visible: Visible = None) -> Node:
    """Find the node that ``dataset:NS:NAME`` or ``job:NS:NAME`` means.

    Both parts may contain colons, so every way to split the text is tried against what exists. Raises
    ``NotFound`` for none, ``Unprocessable`` naming the candidates for several.
    """
    kind, colon, rest = text.partition(":")
    if kind not in TABLES or not colon or ":" not in rest:
        detail = "A node is written dataset:NAMESPACE:NAME or job:NAMESPACE:NAME."
        hint = f"; did you mean dataset:{text}?" if kind not in TABLES and colon else ""
        raise Unprocessable(detail, errors=(FieldError("$.node", f"{text!r} is neither{hint}"),))
    node_type: NodeType = "job" if kind == "job" else "dataset"
    table = TABLES[node_type]
    ids = readings(node_type, rest)
    statement = named_rows(node_type).where(table.c.id.in_(ids), within(table.c.namespace_id, visible))
    nodes = [Node(node_type, row.id, row.namespace, row.name) for row in conn.execute(statement)]
    if not nodes:
        raise NotFound(f"There is no node {text!r}.")
    if len(nodes) > 1:
        candidates = tuple(
            FieldError("$.node", f"may be {node.type} {node.name!r} in namespace {node.namespace!r}")
            for node in sorted(nodes, key=lambda node: node.namespace)
        )
        raise Unprocessable(
            f"{text!r} may mean {len(nodes)} nodes; ask for one by namespace and name.", errors=candidates
        )
    return nodes[0]


def visible_nodes(conn: Connection, texts: Collection[str], visible: Visible) -> set[str]:
    """Give those of the texts of nodes that mean something, and however they are read, only what is visible."""
    found: set[str] = set()
    for kind, table in TABLES.items():
        node_type: NodeType = "job" if kind == "job" else "dataset"
        meant = {
            id_: text
            for text in texts
            if text.startswith(f"{kind}:")
            for id_ in readings(node_type, text.partition(":")[2])
        }
        rows = conn.execute(
            select(table.c.id, within(table.c.namespace_id, visible).label("seen")).where(
                among(conn, table.c.id, meant)
            )
        ).all()
        found |= {meant[row.id] for row in rows} - {meant[row.id] for row in rows if not row.seen}
    return found


def named_rows(kind: NodeType) -> Select[Any]:
    """Select ids and names of jobs or datasets; what is hidden is left out."""
    table = TABLES[kind]
    statement = select(table.c.id, namespace.c.name.label("namespace"), table.c.name)
    # Every one has a namespace. The outer join keeps SQLite from beginning with the few namespaces, and sorting all.
    statement = statement.outerjoin_from(table, namespace, namespace.c.id == table.c.namespace_id)
    # A hidden job stands for the maker of a dataset, a hidden dataset for what is between two jobs.
    # Not by the job of a point, which is in an index: SQLite would take the many rows without one for a few.
    return statement.where((dataset.c.point if kind == "dataset" else job.c.dataset_id).is_(None))


def count_entities(conn: Connection) -> dict[str, int]:
    """Count namespaces, jobs and datasets."""
    shown = {"namespaces": select(func.count()).select_from(namespace)}
    shown["jobs"] = select(func.count()).select_from(job).where(job.c.dataset_id.is_(None))
    shown["datasets"] = select(func.count()).select_from(dataset).where(dataset.c.job_id.is_(None))
    row = conn.execute(
        select(*(statement.scalar_subquery().label(name) for name, statement in shown.items()))
    ).one()
    return dict(row._mapping)


def readings(kind: NodeType, rest: str) -> dict[int, str]:
    """Give the ids that the text of a node, without its kind, may mean, each with its namespace.

    Both parts of it may contain colons.
    """
    cuts = [at for at, character in enumerate(rest) if character == ":"][:MAX_SPLITS]
    # Past the cache, which would keep every guess: a hostile text is as long as it likes.
    return {entity_id.__wrapped__(kind, rest[:at], rest[at + 1 :]): rest[:at] for at in cuts}


def _beginning(name: ColumnElement[str]) -> ColumnElement[str]:
    # Constants, not parameters: the planners compare this text with the index's.
    return func.substr(name, literal_column("1"), literal_column(str(SORT_PREFIX)))
