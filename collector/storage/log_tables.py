"""The tables of the log, which is the truth, and of the server itself."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from collector.storage.schema import CLUSTERED, RowId, metadata

event = Table(
    "event",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("kind", String(8), nullable=False),  # run, job, dataset
    Column("event_type", String(64)),
    Column("event_time", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("run_key", LargeBinary(16)),  # lineage.model.run_key(runId)
    Column("entity_id", BigInteger, nullable=False),  # of the job; of the dataset for a DatasetEvent
    Column("hash", LargeBinary(16), nullable=False),  # of the canonical JSON
    Column("size", Integer, nullable=False),  # bytes of the JSON as sent
    Column("body", LargeBinary, nullable=False),  # zstd, see compression.py
    Column("warnings", Text),  # JSON array of texts, or NULL
    Index("uq_event_hash", "hash", unique=True),
    Index(None, "run_key"),
    Index(None, "entity_id"),
    # With all that statistics count by: a look at the row would bring its body along.
    Index("ix_event_event_time", "event_time", "id", "kind", "event_type"),
    sqlite_autoincrement=True,
)

inbox = Table(
    "inbox",
    metadata,
    Column("event_id", RowId, primary_key=True, autoincrement=False),
)

parked = Table(
    "parked",
    metadata,
    Column("event_id", RowId, primary_key=True, autoincrement=False),
    Column("error", Text, nullable=False),
    Column("parked_at", BigInteger, nullable=False),
)

rejected = Table(
    "rejected",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("hash", LargeBinary(16), nullable=False, unique=True),  # of the bytes as sent
    Column("received_at", BigInteger, nullable=False),  # first time
    Column("last_received_at", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("errors", Text, nullable=False),  # JSON array of {"path", "reason"}
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # zstd
    sqlite_autoincrement=True,
)

lease = Table(
    "lease",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", String(255), nullable=False),
    Column("prefix", String(16), nullable=False),  # shown in listings
    Column("hash", LargeBinary(32), nullable=False, unique=True),  # SHA-256 of the key
    Column("scopes", Text, nullable=False),  # JSON array
    Column("namespaces", Text, nullable=False),  # JSON array of patterns; empty: all
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    sqlite_autoincrement=True,
)

# Who is logged in on the pages: a browser holds the token, here lies its hash. Its rights are those of the key.
web_session = Table(
    "web_session",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),  # SHA-256 of the token
    Column("key_id", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    **CLUSTERED,
)
