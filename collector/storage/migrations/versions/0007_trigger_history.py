"""What people asked of triggers, after it was done too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "trigger_history",
        sa.Column("id", RowId, autoincrement=True, nullable=False),
        sa.Column("trigger_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=64)),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trigger_history"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_trigger_history_trigger_id_id", "trigger_history", ["trigger_id", "id"])
    op.create_index("ix_trigger_history_at", "trigger_history", ["at"])


def downgrade() -> None:
    op.drop_table("trigger_history")
