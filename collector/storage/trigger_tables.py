"""The tables of triggers: what they wait for, what has come, what they fired, and what became of that."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from collector.storage.freshness_tables import RULE_ID
from collector.storage.schema import CLUSTERED, RowId, metadata

KEY = 64
"""Characters of the key of a join: a partition (``2026-11-22``), a tick, or nothing."""

FIRING = 36
"""Characters of the id of a firing, a UUID: its run id as well."""

# Which datasets the inputs of triggers are about.
trigger_binding = Table(
    "trigger_binding",
    metadata,
    Column("trigger_id", String(RULE_ID), primary_key=True),
    Column("input_id", String(RULE_ID), primary_key=True),
    Column("dataset_id", BigInteger, primary_key=True, autoincrement=False),  # canonical
    Index(None, "dataset_id"),
    **CLUSTERED,
)

# Updates that triggers have been given: the same again is none. Kept for `evaluation_days`.
arrival = Table(
    "arrival",
    metadata,
    Column("update_id", RowId, primary_key=True, autoincrement=False),  # triggers.arrivals.update_id
    Column("partition", Text),  # as it was taken in: what a run wrote may be told after its end
    Column("nominal_at", BigInteger),
    Column("taken_at", BigInteger, nullable=False),
    Index(None, "taken_at"),
)

# What holds of a trigger as a whole. No row: nothing.
trigger_state = Table(
    "trigger_state",
    metadata,
    Column("trigger_id", String(RULE_ID), primary_key=True),
    Column("since", BigInteger, nullable=False),  # when the engine first followed it, or it was resumed
    Column(
        "shape", Text, nullable=False
    ),  # how its joins are made; of another shape they would mean something else
    Column("paused_at", BigInteger),
    Column("paused_by", Text),
    Column("paused_reason", Text),
    Column("broken_at", BigInteger),  # it fired too often and waits to be resumed
    Column("tick_at", BigInteger),  # the last epoch that was begun, whether anything came or not
    Column("unkeyed", Integer, nullable=False),  # updates that did not say which partition they wrote
    Column("unkeyed_at", BigInteger),  # the last of them
    Column("failing_since", BigInteger),  # its last firings failed
    Column("failing", Text),  # what became of the last of them, in words
)

# What has come of what one trigger waits for, under one key.
trigger_join = Table(
    "trigger_join",
    metadata,
    Column("trigger_id", String(RULE_ID), primary_key=True),
    Column("key", String(KEY), primary_key=True),
    Column("state", String(16), nullable=False),  # triggers.joins.Standing
    Column("body", Text, nullable=False),  # JSON of triggers.joins.Join state
    Column("tree", Text, nullable=False),  # JSON: the last evaluation
    Column("begun_at", BigInteger),  # when the first of what waits came
    Column("next_at", BigInteger),  # when time alone changes something; 0: at once
    Column("overdue_at", BigInteger),  # the deadline that has passed, while it is incomplete
    Column("alert", Text),  # what people are told of it, JSON of [rule, since, text]
    Column("changed_at", BigInteger, nullable=False),
    Index(None, "next_at"),
    Index(None, "trigger_id", "changed_at"),
    **CLUSTERED,
)

# Every time that a trigger fired. A run of the trigger's job in the graph, under the same id.
firing = Table(
    "firing",
    metadata,
    Column("id", String(FIRING), primary_key=True),  # of the fire_key, so the same whoever decides it
    Column("fire_key", String(64), nullable=False),
    Column("trigger_id", String(RULE_ID), nullable=False),
    Column("key", String(KEY), nullable=False),
    Column("at", BigInteger, nullable=False),  # when it was complete, or when what held it back ended
    Column("decided_at", BigInteger, nullable=False),
    Column("cause", String(16), nullable=False),  # data, deadline, manual
    Column("by", Text),  # who fired it by hand
    Column("reason", Text),  # and why
    Column("partial", Boolean, nullable=False),
    Column("consumed", Text, nullable=False),  # JSON of triggers.joins.Consumed, input by input
    Column("tree", Text, nullable=False),  # JSON: the evaluation that it followed from
    Column("chain", Text, nullable=False),  # JSON array: the triggers whose firings led to it, itself last
    Column("state", String(16), nullable=False),  # fired, started, running, completed, failed, lost
    Column("next_at", BigInteger),  # when what it started is taken for lost
    Column("ended_at", BigInteger),
    Column("error", Text),
    Index("uq_firing_fire_key", "fire_key", unique=True),
    Index(None, "trigger_id", "at"),
    Index(None, "state", "at"),
    Index(None, "next_at"),
    Index(None, "at"),
)

# What a firing does, and what became of it.
firing_action = Table(
    "firing_action",
    metadata,
    Column("firing_id", String(FIRING), primary_key=True),
    Column("action_id", String(RULE_ID), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("target_id", String(RULE_ID), nullable=False),
    Column("starts", Boolean, nullable=False),  # a run follows
    # waiting (for another action), queued, started, running, completed, failed, lost; dead: it could not be sent
    Column("state", String(16), nullable=False),
    Column("body", Text, nullable=False),  # JSON of what is to be sent
    Column("outbox_key", String(64), nullable=False),
    Column("handle", Text),  # JSON: what the target calls the run, as far as it said so
    Column("external_id", Text),  # run.external_id of that run, where it is known beforehand or by the answer
    Column("run_key", LargeBinary(16)),  # of the run that was recognised
    Column("run_id", Text),
    Column("job_namespace", Text),
    Column("job_name", Text),
    Column("error", Text),
    Column("started_at", BigInteger),
    Column("running_at", BigInteger),
    Column("ended_at", BigInteger),
    Index(None, "outbox_key"),
    Index(None, "state"),
    Index(None, "run_key"),
    **CLUSTERED,
)

# What people ask of triggers. The engine does it, in its next round, and takes the row out.
trigger_request = Table(
    "trigger_request",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("trigger_id", String(RULE_ID), nullable=False),
    Column("kind", String(16), nullable=False),  # fire, pause, resume, reset
    Column("key", String(KEY)),  # NULL: of the trigger as a whole
    Column("nonce", String(64), nullable=False),  # tells this firing by hand from others
    Column("by", Text, nullable=False),
    Column("reason", Text),
    Column("at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

# The same, kept after it was done for those who want to know who did what. Kept for `evaluation_days`.
trigger_history = Table(
    "trigger_history",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("trigger_id", String(RULE_ID), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("key", String(KEY)),
    Column("nonce", String(64), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text),
    Column("at", BigInteger, nullable=False),
    Index(None, "trigger_id", "id"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)
