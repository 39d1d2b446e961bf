"""Who is logged in on the pages, and what searches find names by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = ("job", "dataset")
CUT = "substr(name, 1, 200)"
BEFORE = f"rtrim({CUT}, replace(replace({CUT}, '.', ''), '/', ''))"
PARTS = {
    "beginning": f"lower({CUT})",
    "last_part": f"lower(substr({CUT}, length({BEFORE}) + 1))",
}


def upgrade() -> None:
    op.create_table(
        "web_session",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_web_session"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_web_session_expires_at", "web_session", ["expires_at"])

    for table in TABLES:
        for name, part in PARTS.items():
            expression = sa.text(
                f"{part} text_pattern_ops" if op.get_bind().dialect.name == "postgresql" else part
            )
            op.create_index(f"ix_{table}_{name}", table, [expression])


def downgrade() -> None:
    for table in TABLES:
        for name in PARTS:
            op.drop_index(f"ix_{table}_{name}", table)
    op.drop_table("web_session")
