"""The tables. Times are microseconds since 1970-01-01 UTC in BIGINT columns named ``*_at`` or ``event_time``.

Here those of the projection, which is derived from the log alone and can be dropped and rebuilt (``PROJECTION``); all
others can be had from here too, so that nobody sees some of them without the rest.

Long names are never indexed as they are: PostgreSQL refuses index rows over a third of a page. Lookups go by
the 63-bit id that is a hash of the name; listings by its first characters.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    func,
)

from collector.storage.alert_tables import (
    alert,
    alert_group,
    delivery,
    notification,
    outbox,
    receiver,
    silence,
)
from collector.storage.freshness_tables import (
    evaluation,
    expectation_state,
    fact,
    forecast,
    outcome,
    pulse,
    rule,
)
from collector.storage.log_tables import api_key, event, inbox, lease, parked, rejected, web_session
from collector.storage.name_parts import beginning, last_part
from collector.storage.note_tables import (
    alias_rule,
    hidden,
    namespace_note,
    revision,
    run_note,
    source_note,
    stitch_decision,
    tag,
    tagged,
)
from collector.storage.schema import CLUSTERED, SORT_PREFIX, RowId, metadata
from collector.storage.trigger_tables import (
    arrival,
    firing,
    firing_action,
    trigger_binding,
    trigger_history,
    trigger_join,
    trigger_request,
    trigger_state,
)

__all__ = [
    "PROJECTION",
    "SORT_PREFIX",
    "alert",
    "alert_group",
    "alias_rule",
    "api_key",
    "arrival",
    "assertion",
    "dataset",
    "dataset_alias",
    "dataset_update",
    "delivery",
    "derivation",
    "edge",
    "evaluation",
    "event",
    "expectation_state",
    "facet",
    "facet_body",
    "fact",
    "firing",
    "firing_action",
    "forecast",
    "hidden",
    "inbox",
    "job",
    "lease",
    "metadata",
    "namespace",
    "namespace_note",
    "notification",
    "outbox",
    "outcome",
    "parked",
    "pulse",
    "receiver",
    "rejected",
    "revision",
    "rule",
    "run",
    "run_io",
    "run_note",
    "silence",
    "source_note",
    "stitch_decision",
    "tag",
    "tagged",
    "trigger_binding",
    "trigger_history",
    "trigger_join",
    "trigger_request",
    "trigger_state",
    "web_session",
]

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
    Column("parent_id", BigInteger),  # the job that its newest run names as its parent's; no trigger
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
)
# Of the few points only: told of all, SQLite would begin every question about what is none with this index.
Index(
    "ix_dataset_job_id",
    dataset.c.job_id,
    sqlite_where=dataset.c.job_id.is_not(None),
    postgresql_where=dataset.c.job_id.is_not(None),
)
Index(
    "ix_dataset_namespace_name",
    dataset.c.namespace_id,
    func.substr(dataset.c.name, 1, SORT_PREFIX),
    dataset.c.id,
)

# For searches: compared byte by byte, as only then a range of them is what begins alike.
for _table in (job, dataset):
    for _label, _part in (("beginning", beginning), ("last_part", last_part)):
        Index(
            f"ix_{_table.name}_{_label}",
            _part(_table.c.name).label(_label),
            postgresql_ops={_label: "text_pattern_ops"},
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
    Column("external_id", Text),  # what its orchestrator calls it, see lineage.facets.external_id
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
