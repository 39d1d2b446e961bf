"""One node for each dataset whatever its names, jobs that know their parents, and what people say about the catalog.

What can only be told from the log (parents, alias pairs from normalisation, hidden points between jobs) comes with
new events, or for old ones with ``tidegate rebuild``.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}

NEW = (
    "alias_rule",
    "revision",
    "stitch_decision",
    "namespace_note",
    "source_note",
    "tag",
    "tagged",
    "hidden",
)


def upgrade() -> None:
    _remake("job", _job(new=True), "id, namespace_id, name, dataset_id, NULL, NULL, NULL, false, NULL, NULL")
    op.create_index("ix_job_parent_id", "job", ["parent_id"])
    op.create_index("ix_job_root_id", "job", ["root_id"])
    op.create_index("ix_job_last_seen_at", "job", ["last_seen_at"])
    _remake("dataset", _dataset(new=True), "id, namespace_id, name, id, NULL, NULL, false")
    op.create_index("ix_dataset_canonical_id", "dataset", ["canonical_id"])
    point = sa.text("job_id IS NOT NULL")
    op.create_index("ix_dataset_job_id", "dataset", ["job_id"], sqlite_where=point, postgresql_where=point)
    _remake("dataset_alias", _alias(new=True), "dataset_id, other_id, reason, NULL")
    op.create_index("ix_edge_valid_from", "edge", ["valid_from"])
    closed = sa.text("valid_to IS NOT NULL")
    op.create_index("ix_edge_valid_to", "edge", ["valid_to"], sqlite_where=closed, postgresql_where=closed)
    op.create_table(
        "alias_rule",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_alias_rule"),
    )
    op.create_table(
        "revision",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("wanted", sa.BigInteger(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_revision"),
    )
    op.create_table(
        "stitch_decision",
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("other_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.Text()),
        sa.PrimaryKeyConstraint("dataset_id", "other_id", name="pk_stitch_decision"),
    )
    op.create_table(
        "namespace_note",
        sa.Column("namespace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("hidden_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("namespace_id", name="pk_namespace_note"),
    )
    op.create_table(
        "source_note",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("connection_url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_source_note"),
    )
    op.create_table(
        "tag",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text()),
        sa.PrimaryKeyConstraint("name", name="pk_tag"),
    )
    op.create_table(
        "tagged",
        sa.Column("owner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("field", sa.String(length=255), nullable=False),
        sa.Column("tag", sa.String(length=255), nullable=False),
        sa.Column("tagged_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "field", "tag", name="pk_tagged"),
    )
    op.create_index("ix_tagged_tag", "tagged", ["tag"])
    op.create_table(
        "hidden",
        sa.Column("owner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hidden_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name="pk_hidden"),
    )


def downgrade() -> None:
    for name in reversed(NEW):
        op.drop_table(name)
    op.drop_index("ix_edge_valid_to", "edge")
    op.drop_index("ix_edge_valid_from", "edge")
    # The earlier version knows neither points between jobs, nor names that no event has named, nor control flow.
    points = "SELECT id FROM dataset WHERE job_id IS NOT NULL"
    op.execute(f"DELETE FROM edge WHERE dataset_id IN ({points}) OR direction > 1")
    op.execute(f"DELETE FROM run_io WHERE dataset_id IN ({points}) OR direction > 1")
    op.execute("DELETE FROM dataset WHERE job_id IS NOT NULL")
    op.execute("DELETE FROM dataset_alias WHERE reason NOT IN ('symlink', 'rename')")
    _remake("dataset_alias", _alias(new=False), "dataset_id, other_id, reason")
    _remake("dataset", _dataset(new=False), "id, namespace_id, name")
    _remake("job", _job(new=False), "id, namespace_id, name, dataset_id")


def _remake(name: str, table: sa.Table, columns: str) -> None:
    """Make a table anew with other columns and fill it with what it held.

    SQLite adds columns only behind the table's constraints, and then the table is not the one that a new database has.
    """
    op.execute(f"CREATE TABLE {name}_before AS SELECT * FROM {name}")
    op.drop_table(name)
    table.create(op.get_bind())
    op.execute(f"INSERT INTO {name} SELECT {columns} FROM {name}_before")
    op.drop_table(f"{name}_before")


def _job(*, new: bool) -> sa.Table:
    more: tuple[sa.Column[Any], ...] = (
        sa.Column("parent_id", sa.BigInteger()),
        sa.Column("root_id", sa.BigInteger()),
        sa.Column("parent_seen_at", sa.BigInteger()),
        sa.Column("detail", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger()),
        sa.Column("last_seen_at", sa.BigInteger()),
    )
    return sa.Table(
        "job",
        sa.MetaData(),
        sa.Column("id", RowId, autoincrement=False, nullable=False),
        sa.Column("namespace_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger()),
        *(more if new else ()),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sa.Index("ix_job_namespace_name", "namespace_id", sa.text("substr(name, 1, 200)"), "id"),
    )


def _dataset(*, new: bool) -> sa.Table:
    more: tuple[sa.Column[Any], ...] = (
        sa.Column("canonical_id", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.BigInteger()),
        sa.Column("point", sa.String(length=8)),
        sa.Column("artificial", sa.Boolean(), nullable=False),
    )
    return sa.Table(
        "dataset",
        sa.MetaData(),
        sa.Column("id", RowId, autoincrement=False, nullable=False),
        sa.Column("namespace_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *(more if new else ()),
        sa.PrimaryKeyConstraint("id", name="pk_dataset"),
        sa.Index("ix_dataset_namespace_name", "namespace_id", sa.text("substr(name, 1, 200)"), "id"),
    )


def _alias(*, new: bool) -> sa.Table:
    return sa.Table(
        "dataset_alias",
        sa.MetaData(),
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("other_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        *((sa.Column("detail", sa.Text()),) if new else ()),
        sa.PrimaryKeyConstraint("dataset_id", "other_id", "reason", name="pk_dataset_alias"),
        sa.Index("ix_dataset_alias_other_id", "other_id"),
        **CLUSTERED,
    )
