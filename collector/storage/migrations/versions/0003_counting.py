"""Indexes to count events by hour and kind, and to list data sources, without reading the rows; announced runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

IS_SOURCE = sa.text("name = 'dataSource'")


def upgrade() -> None:
    op.drop_index("ix_event_event_time", "event")
    op.create_index("ix_event_event_time", "event", ["event_time", "id", "kind", "event_type"])
    op.create_index(
        "ix_facet_source",
        "facet",
        ["hash", "first_seen_at"],
        sqlite_where=IS_SOURCE,
        postgresql_where=IS_SOURCE,
    )

    op.create_table(
        "run_note",
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "job_id", name="pk_run_note"),
    )


def downgrade() -> None:
    op.drop_table("run_note")
    op.drop_index("ix_facet_source", "facet")
    op.drop_index("ix_event_event_time", "event")
    op.create_index("ix_event_event_time", "event", ["event_time"])
