"""All tables of the first version."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}

TABLES = (
    "event",
    "inbox",
    "parked",
    "rejected",
    "namespace",
    "job",
    "dataset",
    "dataset_alias",
    "run",
    "run_io",
    "dataset_update",
    "facet",
    "facet_body",
    "assertion",
    "edge",
    "derivation",
    "lease",
    "api_key",
)


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("id", RowId, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("event_type", sa.String(length=64)),
        sa.Column("event_time", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("run_key", sa.LargeBinary(length=16)),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("warnings", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_entity_id", "event", ["entity_id"])
    op.create_index("ix_event_event_time", "event", ["event_time"])
    op.create_index("ix_event_run_key", "event", ["run_key"])
    op.create_index("uq_event_hash", "event", ["hash"], unique=True)
    op.create_table(
        "inbox",
        sa.Column("event_id", RowId, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_inbox"),
    )
    op.create_table(
        "parked",
        sa.Column("event_id", RowId, autoincrement=False, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("parked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_parked"),
    )
    op.create_table(
        "rejected",
        sa.Column("id", RowId, autoincrement=True, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("last_received_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rejected"),
        sa.UniqueConstraint("hash", name="uq_rejected_hash"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "namespace",
        sa.Column("id", RowId, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_namespace"),
    )
    op.create_table(
        "job",
        sa.Column("id", RowId, autoincrement=False, nullable=False),
        sa.Column("namespace_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_index("ix_job_namespace_name", "job", ["namespace_id", sa.text("substr(name, 1, 200)"), "id"])
    op.create_table(
        "dataset",
        sa.Column("id", RowId, autoincrement=False, nullable=False),
        sa.Column("namespace_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dataset"),
    )
    op.create_index(
        "ix_dataset_namespace_name", "dataset", ["namespace_id", sa.text("substr(name, 1, 200)"), "id"]
    )
    op.create_table(
        "dataset_alias",
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("other_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", "other_id", "reason", name="pk_dataset_alias"),
        **CLUSTERED,
    )
    op.create_index("ix_dataset_alias_other_id", "dataset_alias", ["other_id"])
    op.create_table(
        "run",
        sa.Column("id", RowId, autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("declared", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16)),
        sa.Column("first_event_at", sa.BigInteger()),
        sa.Column("last_event_at", sa.BigInteger()),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("running_at", sa.BigInteger()),
        sa.Column("running_received_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("ended_received_at", sa.BigInteger()),
        sa.Column("nominal_start_at", sa.BigInteger()),
        sa.Column("nominal_end_at", sa.BigInteger()),
        sa.Column("nominal_seen_at", sa.BigInteger()),
        sa.Column("parent_key", sa.LargeBinary(length=16)),
        sa.Column("parent_run_id", sa.Text()),
        sa.Column("parent_job_id", sa.BigInteger()),
        sa.Column("root_key", sa.LargeBinary(length=16)),
        sa.Column("root_run_id", sa.Text()),
        sa.Column("root_job_id", sa.BigInteger()),
        sa.Column("parent_seen_at", sa.BigInteger()),
        sa.Column("error", sa.Text()),
        sa.Column("error_seen_at", sa.BigInteger()),
        sa.Column("processing_type", sa.String(length=32)),
        sa.Column("processing_seen_at", sa.BigInteger()),
        sa.Column("incomplete", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
    )
    op.create_index("ix_run_job_id_first_event_at", "run", ["job_id", "first_event_at"])
    op.create_index("ix_run_parent_key", "run", ["parent_key"])
    op.create_index("uq_run_key_job_id", "run", ["key", "job_id"], unique=True)
    op.create_table(
        "run_io",
        sa.Column("run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("direction", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("implied", sa.Boolean(), nullable=False),
        sa.Column("derivation_id", sa.BigInteger()),
        sa.Column("derivation_seen_at", sa.BigInteger()),
        sa.Column("rows", sa.BigInteger()),
        sa.Column("bytes", sa.BigInteger()),
        sa.Column("files", sa.BigInteger()),
        sa.Column("version", sa.Text()),
        sa.Column("version_seen_at", sa.BigInteger()),
        sa.Column("partition", sa.Text()),
        sa.Column("partition_seen_at", sa.BigInteger()),
        sa.Column("lifecycle", sa.SmallInteger(), nullable=False),
        sa.Column("artificial", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "dataset_id", "direction", name="pk_run_io"),
        **CLUSTERED,
    )
    op.create_index("ix_run_io_dataset_id_direction", "run_io", ["dataset_id", "direction"])
    op.create_table(
        "dataset_update",
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_time", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("nominal_at", sa.BigInteger()),
        sa.Column("partition", sa.Text()),
        sa.Column("version", sa.Text()),
        sa.Column("rows", sa.BigInteger()),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", "event_time", "run_id", name="pk_dataset_update"),
        **CLUSTERED,
    )
    op.create_index("ix_dataset_update_dataset_id_nominal_at", "dataset_update", ["dataset_id", "nominal_at"])
    op.create_index(
        "ix_dataset_update_version",
        "dataset_update",
        ["dataset_id", sa.text("substr(version, 1, 200)")],
        sqlite_where=sa.text("version IS NOT NULL"),
        postgresql_where=sa.text("version IS NOT NULL"),
    )
    op.create_table(
        "facet",
        sa.Column("owner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "name", "hash", name="pk_facet"),
        **CLUSTERED,
    )
    op.create_table(
        "facet_body",
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_facet_body"),
    )
    op.create_table(
        "assertion",
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_time", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("assertion", sa.Text(), nullable=False),
        sa.Column("column", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("success", sa.Boolean(), nullable=False),
        sa.Column("severity", sa.Text()),
        sa.Column("expected", sa.Text()),
        sa.Column("actual", sa.Text()),
        sa.PrimaryKeyConstraint("dataset_id", "run_id", "key", name="pk_assertion"),
        **CLUSTERED,
    )
    op.create_table(
        "edge",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("direction", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_to", sa.BigInteger()),
        sa.Column("derivation_id", sa.BigInteger()),
        sa.Column("implied", sa.Boolean(), nullable=False),
        sa.Column("opened_by", sa.BigInteger(), nullable=False),
        sa.Column("closed_by", sa.BigInteger()),
        sa.PrimaryKeyConstraint("job_id", "dataset_id", "direction", "valid_from", name="pk_edge"),
        **CLUSTERED,
    )
    op.create_index("ix_edge_dataset_id_direction", "edge", ["dataset_id", "direction"])
    op.create_index("ix_edge_derivation_id", "edge", ["derivation_id"])
    op.create_table(
        "derivation",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.Text()),
        sa.Column("target_field", sa.Text()),
        sa.Column("transformations", sa.Text()),
        sa.PrimaryKeyConstraint("id", "position", name="pk_derivation"),
        **CLUSTERED,
    )
    op.create_index("ix_derivation_dataset_id", "derivation", ["dataset_id"])
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )
    op.create_table(
        "api_key",
        sa.Column("id", RowId, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("namespaces", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("hash", name="uq_api_key_hash"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
