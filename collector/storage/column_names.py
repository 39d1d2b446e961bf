"""Columns by name: which ones a dataset is known to have, and which one a node's text means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from itertools import combinations, islice
from typing import NamedTuple

from sqlalchemy import Connection, func, or_, select, union

from collector.errors import FieldError, NotFound, Unprocessable
from collector.storage.catalog import MAX_SPLITS, resolve_node
from collector.storage.column_graph import schemas
from collector.storage.graph import everything
from collector.storage.tables import dataset, derivation, edge
from collector.storage.upsert import among, table_of
from collector.storage.visibility import Visible, sees, within
from lineage.columns import Column
from lineage.model import DatasetRef, Direction, entity_id


class Candidate(NamedTuple):
    """One way to read the text of a node."""

    dataset: DatasetRef
    canonical_id: int
    field: str


def columns_of(
    conn: Connection, dataset_ids: Collection[int], may_see: Callable[[str], bool] = everything
) -> list[Column]:
    """Give all columns that datasets (by canonical id) are known to have.

    From their ``schema`` facets and from what any run, at any time, said of what they or others are made of.
    """
    known = {(id_, field) for id_, fields in schemas(conn, dataset_ids, may_see).items() for field in fields}
    known |= _told(conn, [(id_, None) for id_ in dataset_ids])
    return [Column(*column) for column in sorted(known)]


def start_columns(conn: Connection, node: str, visible: Visible = None) -> list[Column]:
    """Give the column that ``column:NS:NAME:FIELD`` means, or all columns of ``dataset:NS:NAME``.

    Of a dataset without known columns the whole. Raises as ``resolve_column`` and ``resolve_node``.
    """
    if node.startswith("column:"):
        return [resolve_column(conn, node, visible)]
    found = resolve_node(conn, node, visible)
    if found.type != "dataset":
        detail = "Only columns, and datasets with theirs, have column lineage; ask for column:NAMESPACE:NAME:FIELD."
        raise Unprocessable(detail, errors=(FieldError("$.node", f"{node!r} is a {found.type}"),))
    canonical_id = conn.execute(select(dataset.c.canonical_id).where(dataset.c.id == found.id)).scalar_one()
    return columns_of(conn, [canonical_id], sees(visible)) or [Column(canonical_id, None)]


def resolve_column(conn: Connection, text: str, visible: Visible = None) -> Column:
    """Find the column that ``column:NS:NAME:FIELD`` means.

    All parts may contain colons, so every way to split the text is tried against what exists. A field that is not
    there as it is written is looked for without regard to letter case. Raises ``NotFound`` for none,
    ``Unprocessable`` naming the candidates for several.
    """
    kind, _, rest = text.partition(":")
    if kind != "column" or rest.count(":") < 2:
        detail = "A column is written column:NAMESPACE:NAME:FIELD."
        raise Unprocessable(detail, errors=(FieldError("$.node", f"{text!r} is none"),))
    candidates = _candidates(conn, rest, visible)
    known: dict[int, set[str]] = defaultdict(set)
    for id_, fields in schemas(conn, {each.canonical_id for each in candidates}, sees(visible)).items():
        known[id_].update(fields)
    for id_, field in _told(conn, [(each.canonical_id, each.field) for each in candidates]):
        known[id_].add(field)
    found = {each: {each.field} & known[each.canonical_id] for each in candidates}
    if not any(found.values()):
        found = {
            each: {field for field in known[each.canonical_id] if field.lower() == each.field.lower()}
            for each in candidates
        }
    columns = {
        Column(each.canonical_id, field): each.dataset for each, fields in found.items() for field in fields
    }
    if not columns:
        raise NotFound(f"There is no node {text!r}.")
    if len(columns) > 1:
        raise Unprocessable(
            f"{text!r} may mean {len(columns)} columns; write one of them as it is.",
            errors=tuple(
                FieldError("$.node", f"may be column {column.field!r} of {ref.name!r} in {ref.namespace!r}")
                for column, ref in sorted(columns.items(), key=lambda item: (item[1], item[0].field or ""))
            ),
        )
    return next(iter(columns))


def _candidates(conn: Connection, rest: str, visible: Visible) -> list[Candidate]:
    colons = [at for at, character in enumerate(rest) if character == ":"]
    splits = {
        DatasetRef(rest[:first], rest[first + 1 : second]): rest[second + 1 :]
        for first, second in islice(combinations(colons, 2), MAX_SPLITS)
        if second + 1 < len(rest)
    }
    # Not `ref.id`, which remembers what it has hashed: most of these texts are nobody's names.
    by_id = {entity_id.__wrapped__("dataset", *ref): ref for ref in splits}
    rows = conn.execute(
        select(dataset.c.id, dataset.c.canonical_id).where(
            among(conn, dataset.c.id, by_id),
            dataset.c.job_id.is_(None),
            within(dataset.c.namespace_id, visible),
        )
    )
    return [Candidate(by_id[row.id], row.canonical_id, splits[by_id[row.id]]) for row in rows]


def _told(conn: Connection, wanted: Collection[tuple[int, str | None]]) -> set[tuple[int, str]]:
    """Give the columns that derivations name, of those ``wanted``: all of a dataset where the field is None."""
    if not wanted:
        return set()
    asked = table_of(conn, wanted)
    here = dataset.c.canonical_id == asked.c.id
    read = select(dataset.c.canonical_id, derivation.c.field.label("field"))
    read = read.join_from(asked, dataset, here).join(derivation, derivation.c.dataset_id == dataset.c.id)
    made = select(dataset.c.canonical_id, derivation.c.target_field)
    made = made.join_from(asked, dataset, here).join(
        edge, (edge.c.dataset_id == dataset.c.id) & (edge.c.direction == int(Direction.OUTPUT))
    )
    made = made.join(derivation, derivation.c.id == edge.c.derivation_id)
    parts = (
        statement.where(
            field.is_not(None), or_(asked.c.text.is_(None), func.lower(field) == func.lower(asked.c.text))
        )
        for statement, field in ((read, derivation.c.field), (made, derivation.c.target_field))
    )
    return {(id_, field) for id_, field in conn.execute(union(*parts))}
