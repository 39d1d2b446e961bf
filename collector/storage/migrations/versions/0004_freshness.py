"""Freshness: rules, how datasets stand to them, alerts, and what is sent to receivers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

NEW = (
    "alert",
    "alert_group",
    "delivery",
    "evaluation",
    "expectation_state",
    "fact",
    "forecast",
    "notification",
    "outbox",
    "outcome",
    "pulse",
    "receiver",
    "rule",
    "silence",
)


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("id", RowId, autoincrement=True, nullable=False),
        sa.Column("fingerprint", sa.String(length=16), nullable=False),
        sa.Column("rule", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=8), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text()),
        sa.Column("only_as_cause", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger()),
        sa.Column("last_good_at", sa.BigInteger()),
        sa.Column("cause", sa.String(length=16)),
        sa.Column("path", sa.Text()),
        sa.Column("affects", sa.Integer(), nullable=False),
        sa.Column("muted_by", sa.String(length=208)),
        sa.Column("notified_at", sa.BigInteger()),
        sa.Column("acknowledged_at", sa.BigInteger()),
        sa.Column("acknowledged_by", sa.Text()),
        sa.Column("acknowledged_note", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_alert"),
    )
    op.create_index("ix_alert_ends_at", "alert", ["ends_at"])
    op.create_index("ix_alert_starts_at", "alert", ["starts_at"])
    op.create_index("ix_alert_subject_id", "alert", ["subject_id"])
    op.create_index("uq_alert_fingerprint_starts_at", "alert", ["fingerprint", "starts_at"], unique=True)
    op.create_table(
        "alert_group",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("route", sa.String(length=200), nullable=False),
        sa.Column("receiver", sa.String(length=200), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("flushed", sa.Boolean(), nullable=False),
        sa.Column("log_at", sa.BigInteger()),
        sa.Column("log_number", sa.Integer()),
        sa.Column("log_firing", sa.Text()),
        sa.Column("log_resolved", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_alert_group"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", RowId, autoincrement=True, nullable=False),
        sa.Column("outbox_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("took", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_delivery_at", "delivery", ["at"])
    op.create_index("ix_delivery_outbox_id", "delivery", ["outbox_id"])
    op.create_table(
        "evaluation",
        sa.Column("id", RowId, autoincrement=True, nullable=False),
        sa.Column("expectation_id", sa.String(length=200), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("prompt", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("release_at", sa.BigInteger()),
        sa.Column("deadline_at", sa.BigInteger()),
        sa.Column("late_by", sa.BigInteger()),
        sa.Column("since", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_evaluation"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_evaluation_at", "evaluation", ["at"])
    op.create_index(
        "ix_evaluation_dataset_id_expectation_id_id", "evaluation", ["dataset_id", "expectation_id", "id"]
    )
    op.create_table(
        "expectation_state",
        sa.Column("expectation_id", sa.String(length=200), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("release_at", sa.BigInteger()),
        sa.Column("deadline_at", sa.BigInteger()),
        sa.Column("late_by", sa.BigInteger()),
        sa.Column("since", sa.BigInteger()),
        sa.Column("next_look_at", sa.BigInteger()),
        sa.Column("bad_since", sa.BigInteger()),
        sa.Column("last_good_at", sa.BigInteger()),
        sa.Column("settled_at", sa.BigInteger()),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("expectation_id", "dataset_id", name="pk_expectation_state"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_expectation_state_dataset_id", "expectation_state", ["dataset_id"])
    op.create_index("ix_expectation_state_next_look_at", "expectation_state", ["next_look_at"])
    op.create_index("ix_expectation_state_state", "expectation_state", ["state"])
    op.create_table(
        "fact",
        sa.Column("id", RowId, autoincrement=True, nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fact"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "forecast",
        sa.Column("expectation_id", sa.String(length=200), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("release_at", sa.BigInteger()),
        sa.Column("deadline_at", sa.BigInteger()),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("made_at", sa.BigInteger()),
        sa.Column("expected_at", sa.BigInteger()),
        sa.Column("low_at", sa.BigInteger()),
        sa.Column("high_at", sa.BigInteger()),
        sa.Column("chance", sa.Float()),
        sa.Column("missing", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("first_told_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("expectation_id", "dataset_id", name="pk_forecast"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_forecast_missing_deadline_at", "forecast", ["missing", "deadline_at"])
    op.create_index("ix_forecast_next_at", "forecast", ["next_at"])
    op.create_table(
        "notification",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("group_id", sa.String(length=32), nullable=False),
        sa.Column("receiver", sa.String(length=200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notification"),
    )
    op.create_index("ix_notification_at", "notification", ["at"])
    op.create_index("ix_notification_group_id", "notification", ["group_id"])
    op.create_table(
        "outbox",
        sa.Column("id", RowId, autoincrement=True, nullable=False),
        sa.Column("target_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("series", sa.String(length=64)),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=64)),
        sa.Column("held_until", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_state_id", "outbox", ["state", "id"])
    op.create_index("ix_outbox_state_target_id_next_at_id", "outbox", ["state", "target_id", "next_at", "id"])
    op.create_index("ix_outbox_target_id_id", "outbox", ["target_id", "id"])
    op.create_index("uq_outbox_key", "outbox", ["key"], unique=True)
    op.create_table(
        "outcome",
        sa.Column("expectation_id", sa.String(length=200), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("release_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("deadline_at", sa.BigInteger(), nullable=False),
        sa.Column("arrived_at", sa.BigInteger()),
        sa.Column("met", sa.Boolean(), nullable=False),
        sa.Column("excluded_by", sa.String(length=200)),
        sa.PrimaryKeyConstraint("expectation_id", "dataset_id", "release_at", name="pk_outcome"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_outcome_deadline_at", "outcome", ["deadline_at"])
    op.create_table(
        "pulse",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_pulse"),
    )
    op.create_table(
        "receiver",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("tried_at", sa.BigInteger()),
        sa.Column("busy_until", sa.BigInteger()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("wait_until", sa.BigInteger()),
        sa.Column("disabled_at", sa.BigInteger()),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_receiver"),
    )
    op.create_table(
        "rule",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_rule"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "silence",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("matchers", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_silence"),
    )
    op.create_index("ix_silence_ends_at", "silence", ["ends_at"])


def downgrade() -> None:
    for table in reversed(NEW):
        op.drop_table(table)
