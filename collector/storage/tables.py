"""The tables. Times are microseconds since 1970-01-01 UTC in BIGINT columns named ``*_at`` or ``event_time``.

Three groups: the log (``event``, ``inbox``, ``parked``, ``rejected``), which is the truth; the projection,
which is derived from the log alone and can be dropped and rebuilt (``PROJECTION``); and the bookkeeping of
the server.

Long names are never indexed as they are: PostgreSQL refuses index rows over a third of a page. Lookups go by
the 63-bit id that is a hash of the name; listings by its first characters.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    func,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite makes a table's rowid of an INTEGER PRIMARY KEY only; a BIGINT one would cost a second tree.
RowId = BigInteger().with_variant(Integer, "sqlite")

CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}
"""Keep rows in the tree of their primary key; in SQLite a second tree for it would double the writes."""

SORT_PREFIX = 200
"""Characters of a name that listings sort by: at most 800 bytes; PostgreSQL allows 2,704 an index row."""

# --- the log ------------------------------------------------------------------------------------------------

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

# --- the projection -----------------------------------------------------------------------------------------

namespace = Table(
    "namespace",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
)

job = Table(
    "job",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("namespace_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    # Set on the hidden job that stands for "whoever makes this dataset" in a DatasetEvent's declared lineage.
    Column("dataset_id", BigInteger),
    Column("parent_id", BigInteger),  # the job that its newest run names as its parent's
    Column("root_id", BigInteger),
    Column("parent_seen_at", BigInteger),
    Column("detail", Boolean, nullable=False),  # a step of its parent, in a tool that reports every step
    Column("first_seen_at", BigInteger),  # received; NULL: only known as somebody's parent or neighbour
    Column("last_seen_at", BigInteger),
    Index(None, "parent_id"),
    Index(None, "root_id"),
    Index(None, "last_seen_at"),
)
Index("ix_job_namespace_name", job.c.namespace_id, func.substr(job.c.name, 1, SORT_PREFIX), job.c.id)

dataset = Table(
    "dataset",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("namespace_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    # One of the names of this dataset, the same for all of them; its own id if it has no other name.
    Column("canonical_id", BigInteger, nullable=False),
    # Set on what stands between two jobs of which one is said to follow the other: hidden, `name` is the job's.
    Column("job_id", BigInteger),
    Column("point", String(8)),  # lineage.model.Point: after the job, or before it
    Column("artificial", Boolean, nullable=False),  # stands only for data passed between jobs
    Index(None, "canonical_id"),
    Index(None, "job_id"),
)
Index(
    "ix_dataset_namespace_name",
    dataset.c.namespace_id,
    func.substr(dataset.c.name, 1, SORT_PREFIX),
    dataset.c.id,
)

# Two names of one dataset. The other one need not be a dataset that any event has named: a normal form, or what
# a rule makes of the name.
dataset_alias = Table(
    "dataset_alias",
    metadata,
    Column("dataset_id", BigInteger, primary_key=True, autoincrement=False),
    Column("other_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", String(16), primary_key=True),  # lineage.model.Reason
    Column("detail", Text),  # what was normalised, or the rule's name
    Index(None, "other_id"),
    **CLUSTERED,
)

# A run is (runId, job): Dagster gives up to six jobs one runId. Declarations (JobEvent, DatasetEvent) are
# rows too: they take their place among the runs of their job when edges open and close.
run = Table(
    "run",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("key", LargeBinary(16), nullable=False),
    Column("job_id", BigInteger, nullable=False),
    Column("run_id", Text, nullable=False),  # as sent
    Column("declared", Boolean, nullable=False),
    Column(
        "state", String(16)
    ),  # RUNNING, COMPLETE, FAIL, ABORT, OTHER; NULL: only known as somebody's parent
    Column("first_event_at", BigInteger),  # its place among the runs of its job
    Column("last_event_at", BigInteger),
    Column("started_at", BigInteger),  # earliest START
    Column("running_at", BigInteger),  # latest RUNNING
    Column("running_received_at", BigInteger),
    Column("ended_at", BigInteger),  # latest terminal event
    Column("ended_received_at", BigInteger),
    Column("nominal_start_at", BigInteger),
    Column("nominal_end_at", BigInteger),
    Column("nominal_seen_at", BigInteger),
    Column("parent_key", LargeBinary(16)),
    Column("parent_run_id", Text),
    Column("parent_job_id", BigInteger),  # NULL: the parent facet names no job
    Column("root_key", LargeBinary(16)),
    Column("root_run_id", Text),
    Column("root_job_id", BigInteger),
    Column("parent_seen_at", BigInteger),
    Column("error", Text),
    Column("error_seen_at", BigInteger),
    Column("processing_type", String(32)),
    Column("processing_seen_at", BigInteger),
    Column("incomplete", Boolean, nullable=False),  # the emitter could not extract all lineage
    Index("uq_run_key_job_id", "key", "job_id", unique=True),
    Index(None, "job_id", "first_event_at"),
    Index(None, "parent_key"),
)

run_io = Table(
    "run_io",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("dataset_id", BigInteger, primary_key=True, autoincrement=False),
    Column("direction", SmallInteger, primary_key=True, autoincrement=False),  # lineage.model.Direction
    Column("implied", Boolean, nullable=False),
    Column("derivation_id", BigInteger),  # explicit sources of an output, see `derivation`
    Column("derivation_seen_at", BigInteger),
    Column("rows", BigInteger),
    Column("bytes", BigInteger),
    Column("files", BigInteger),
    Column("version", Text),
    Column("version_seen_at", BigInteger),
    Column("partition", Text),
    Column("partition_seen_at", BigInteger),
    Column("lifecycle", SmallInteger, nullable=False),  # set of states seen, lineage.runs.Lifecycle
    Column("artificial", Boolean, nullable=False),
    Index(None, "dataset_id", "direction"),
    **CLUSTERED,
)

# The freshness fact: this run brought new data into this dataset.
dataset_update = Table(
    "dataset_update",
    metadata,
    Column("dataset_id", BigInteger, primary_key=True, autoincrement=False),
    Column("event_time", BigInteger, primary_key=True, autoincrement=False),  # clamped, see lineage.runs
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("received_at", BigInteger, nullable=False),
    Column("nominal_at", BigInteger),
    Column("partition", Text),
    Column("version", Text),
    Column("rows", BigInteger),
    Column("kind", String(16), nullable=False),  # run, stream, declared
    **CLUSTERED,
)

# What tells the newest update from backfills and from the same version written again.
Index(None, dataset_update.c.dataset_id, dataset_update.c.nominal_at)
Index(
    "ix_dataset_update_version",
    dataset_update.c.dataset_id,
    func.substr(dataset_update.c.version, 1, SORT_PREFIX),
    sqlite_where=dataset_update.c.version.is_not(None),
    postgresql_where=dataset_update.c.version.is_not(None),
)

# Every distinct body that a job's or dataset's facet has had, and when it was first and last seen. The
# current one is the one last seen; hash is empty where the facet was deleted.
facet = Table(
    "facet",
    metadata,
    Column("owner_id", BigInteger, primary_key=True, autoincrement=False),  # job or dataset
    Column("name", String(255), primary_key=True),
    Column("hash", LargeBinary(16), primary_key=True),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    **CLUSTERED,
)

# Sources are known from these facets alone; their list must not read those of every other name.
Index(
    "ix_facet_source",
    facet.c.hash,
    facet.c.first_seen_at,
    sqlite_where=facet.c.name == "dataSource",
    postgresql_where=facet.c.name == "dataSource",
)

facet_body = Table(
    "facet_body",
    metadata,
    Column("hash", LargeBinary(16), primary_key=True),
    Column("body", LargeBinary, nullable=False),  # zstd of canonical JSON; may be megabytes, so not clustered
)

assertion = Table(
    "assertion",
    metadata,
    Column("dataset_id", BigInteger, primary_key=True, autoincrement=False),
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", BigInteger, primary_key=True, autoincrement=False),  # hash of (assertion, column, name)
    Column("event_time", BigInteger, nullable=False),
    Column("digest", BigInteger, nullable=False),  # of the result; decides between two of one instant
    Column("assertion", Text, nullable=False),
    Column("column", Text),
    Column("name", Text),
    Column("success", Boolean, nullable=False),
    Column("severity", Text),
    Column("expected", Text),
    Column("actual", Text),
    **CLUSTERED,
)

# Job reads or writes dataset, from the first run that shows it to the first later COMPLETE run that lacks it.
edge = Table(
    "edge",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("dataset_id", BigInteger, primary_key=True, autoincrement=False),
    Column("direction", SmallInteger, primary_key=True, autoincrement=False),
    Column("valid_from", BigInteger, primary_key=True, autoincrement=False),
    Column("valid_to", BigInteger),  # exclusive; NULL: still open
    Column("derivation_id", BigInteger),  # an output with explicit sources; NULL: all inputs of the job
    Column("implied", Boolean, nullable=False),  # an input known from column lineage only
    Column("opened_by", BigInteger, nullable=False),  # run.id
    Column("closed_by", BigInteger),
    Index(None, "dataset_id", "direction"),
    Index(None, "derivation_id"),
    Index(None, "valid_from"),
    **CLUSTERED,
)

# Without the open ones: SQLite would take it for the best way to them.
Index(
    "ix_edge_valid_to",
    edge.c.valid_to,
    sqlite_where=edge.c.valid_to.is_not(None),
    postgresql_where=edge.c.valid_to.is_not(None),
)

# The explicit sources of an output, by content: runs that say the same share one.
derivation = Table(
    "derivation",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("dataset_id", BigInteger, nullable=False),  # the source
    Column("field", Text),
    Column("target_field", Text),
    Column("transformations", Text),  # JSON array of [type, subtype, description, masking], or NULL
    Index(None, "dataset_id"),
    **CLUSTERED,
)

PROJECTION = (
    namespace,
    job,
    dataset,
    dataset_alias,
    run,
    run_io,
    dataset_update,
    facet,
    facet_body,
    assertion,
    edge,
    derivation,
)

# --- what people have said about the catalog: no event tells it ---------------------------------------------

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

# --- the server's own ---------------------------------------------------------------------------------------

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
