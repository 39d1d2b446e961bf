"""Indexes to count events by hour and kind, and to list data sources, without reading the rows."""

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


def downgrade() -> None:
    op.drop_index("ix_facet_source", "facet")
    op.drop_index("ix_event_event_time", "event")
    op.create_index("ix_event_event_time", "event", ["event_time"])
