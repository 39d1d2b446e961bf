"""Freshness: rules, how datasets stand to them, alerts, and what is sent to receivers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

NEW = ()


def upgrade() -> None:
    pass


def downgrade() -> None:
    for table in reversed(NEW):
        op.drop_table(table)
