"""Alembic's environment: runs migrations in the transaction that ``collector.storage.migrate`` has opened.

On SQLite that transaction holds the write gate, so two servers that start together queue there.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from collector.storage.tables import metadata

LOCK = 0x7469_6465
"""The key of the PostgreSQL advisory lock that keeps migrations apart ("tide")."""

conn: Connection = context.config.attributes["connection"]

if conn.dialect.name == "postgresql":
    # Another migration may be at work, and long; but a table in use must not make all others queue behind us.
    conn.exec_driver_sql("SET LOCAL statement_timeout = '15min'")
    conn.exec_driver_sql("SET LOCAL lock_timeout = '5min'")
    conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    conn.exec_driver_sql("SET LOCAL lock_timeout = '5s'")

context.configure(connection=conn, target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
