"""The tables of what people say about the catalog: no event tells it, and a rebuild leaves it alone."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from collector.storage.schema import metadata

# Rules by which names are one dataset, in the order of the file. The projector brings `dataset_alias` up to date.
alias_rule = Table(
    "alias_rule",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),  # JSON, as lineage.identity reads it
)

# What was changed by people (wanted), and up to where the projector has followed (applied).
revision = Table(
    "revision",
    metadata,
    Column("name", String(32), primary_key=True),  # aliases
    Column("wanted", BigInteger, nullable=False),
    Column("applied", BigInteger, nullable=False),
)

stitch_decision = Table(
    "stitch_decision",
    metadata,
    Column("dataset_id", BigInteger, primary_key=True, autoincrement=False),  # the smaller id of the two
    Column("other_id", BigInteger, primary_key=True, autoincrement=False),
    Column("decision", String(16), nullable=False),  # accepted, dismissed
    Column("decided_at", BigInteger, nullable=False),
    Column("decided_by", Text),  # name of the API key
)

namespace_note = Table(
    "namespace_note",
    metadata,
    Column("namespace_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("description", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("hidden_at", BigInteger),
)

source_note = Table(
    "source_note",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # entity_id("source", name)
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("connection_url", Text, nullable=False),
    Column("description", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

tag = Table(
    "tag",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("description", Text),
)

tagged = Table(
    "tagged",
    metadata,
    Column("owner_id", BigInteger, primary_key=True, autoincrement=False),  # job or dataset
    Column("field", String(255), primary_key=True),  # empty: the job or dataset itself
    Column("tag", String(255), primary_key=True),
    Column("tagged_at", BigInteger, nullable=False),
    Index(None, "tag"),
)

# A run that was announced before it began: with what arguments, and that it is new until an event says more.
run_note = Table(
    "run_note",
    metadata,
    Column("key", LargeBinary(16), primary_key=True),
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("args", Text, nullable=False),  # JSON object of texts
    Column("created_at", BigInteger, nullable=False),
)

# Removed by somebody from listings, until an event names it again.
hidden = Table(
    "hidden",
    metadata,
    Column("owner_id", BigInteger, primary_key=True, autoincrement=False),  # job or dataset
    Column("hidden_at", BigInteger, nullable=False),
)
