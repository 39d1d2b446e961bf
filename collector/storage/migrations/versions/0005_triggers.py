"""Triggers: what they wait for, what they fired, and what became of that."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

NEW = (
    "arrival",
    "firing",
    "firing_action",
    "trigger_binding",
    "trigger_join",
    "trigger_request",
    "trigger_state",
)

ADDED = (("fact", "which"), ("outbox", "once"), ("outbox", "answer"), ("run", "external_id"))


def upgrade() -> None:
    op.create_table(
        "arrival",
        sa.Column("update_id", RowId, autoincrement=False, nullable=False),
        sa.Column("partition", sa.Text()),
        sa.Column("nominal_at", sa.BigInteger()),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("update_id", name="pk_arrival"),
    )
    op.create_index("ix_arrival_taken_at", "arrival", ["taken_at"])
    op.create_table(
        "firing",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("fire_key", sa.String(length=64), nullable=False),
        sa.Column("trigger_id", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("by", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("partial", sa.Boolean(), nullable=False),
        sa.Column("consumed", sa.Text(), nullable=False),
        sa.Column("tree", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_firing"),
    )
    op.create_index("ix_firing_at", "firing", ["at"])
    op.create_index("ix_firing_next_at", "firing", ["next_at"])
    op.create_index("ix_firing_state_at", "firing", ["state", "at"])
    op.create_index("ix_firing_trigger_id_at", "firing", ["trigger_id", "at"])
    op.create_index("uq_firing_fire_key", "firing", ["fire_key"], unique=True)
    op.create_table(
        "firing_action",
        sa.Column("firing_id", sa.String(length=36), nullable=False),
        sa.Column("action_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.String(length=200), nullable=False),
        sa.Column("starts", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("outbox_key", sa.String(length=64), nullable=False),
        sa.Column("handle", sa.Text()),
        sa.Column("external_id", sa.Text()),
        sa.Column("run_key", sa.LargeBinary(length=16)),
        sa.Column("run_id", sa.Text()),
        sa.Column("job_namespace", sa.Text()),
        sa.Column("job_name", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("running_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("firing_id", "action_id", name="pk_firing_action"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_firing_action_outbox_key", "firing_action", ["outbox_key"])
    op.create_index("ix_firing_action_run_key", "firing_action", ["run_key"])
    op.create_index("ix_firing_action_state", "firing_action", ["state"])
    op.create_table(
        "trigger_binding",
        sa.Column("trigger_id", sa.String(length=200), nullable=False),
        sa.Column("input_id", sa.String(length=200), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("trigger_id", "input_id", "dataset_id", name="pk_trigger_binding"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_trigger_binding_dataset_id", "trigger_binding", ["dataset_id"])
    op.create_table(
        "trigger_join",
        sa.Column("trigger_id", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("tree", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.BigInteger()),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("overdue_at", sa.BigInteger()),
        sa.Column("alert", sa.Text()),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("trigger_id", "key", name="pk_trigger_join"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_trigger_join_next_at", "trigger_join", ["next_at"])
    op.create_index("ix_trigger_join_trigger_id_changed_at", "trigger_join", ["trigger_id", "changed_at"])
    op.create_table(
        "trigger_request",
        sa.Column("id", RowId, autoincrement=True, nullable=False),
        sa.Column("trigger_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=64)),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trigger_request"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "trigger_state",
        sa.Column("trigger_id", sa.String(length=200), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("paused_at", sa.BigInteger()),
        sa.Column("paused_by", sa.Text()),
        sa.Column("paused_reason", sa.Text()),
        sa.Column("broken_at", sa.BigInteger()),
        sa.Column("tick_at", sa.BigInteger()),
        sa.Column("unkeyed", sa.Integer(), nullable=False),
        sa.Column("unkeyed_at", sa.BigInteger()),
        sa.Column("failing_since", sa.BigInteger()),
        sa.Column("failing", sa.Text()),
        sa.PrimaryKeyConstraint("trigger_id", name="pk_trigger_state"),
    )
    op.add_column("fact", sa.Column("which", sa.Text()))
    op.add_column("outbox", sa.Column("once", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("outbox", sa.Column("answer", sa.Text()))
    op.add_column("run", sa.Column("external_id", sa.Text()))


def downgrade() -> None:
    for table, column in reversed(ADDED):
        op.drop_column(table, column)
    for table in reversed(NEW):
        op.drop_table(table)
