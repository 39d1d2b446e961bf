"""The tables of alerts: what is wrong, who was told, and what is on its way to receivers."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, false

from collector.storage.freshness_tables import RULE_ID
from collector.storage.schema import RowId, metadata

FINGERPRINT = 16
"""Characters of ``triggers.alerts.Alert.fingerprint``."""

# One row for each time that something was wrong.
alert = Table(
    "alert",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("fingerprint", String(FINGERPRINT), nullable=False),
    Column("rule", String(RULE_ID), nullable=False),
    Column("type", String(8), nullable=False),  # dataset, job
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("subject_id", BigInteger, nullable=False),  # canonical dataset, or job
    Column("severity", String(16), nullable=False),
    Column("labels", Text, nullable=False),  # JSON array of [name, value]
    Column("owner", Text),
    Column("tags", Text, nullable=False),  # JSON array
    Column("text", Text, nullable=False),
    Column("explanation", Text),  # why, as far as the graph tells; the latest
    Column("only_as_cause", Boolean, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger),  # NULL: open
    Column("last_good_at", BigInteger),
    # How it stood when it was last looked at.
    Column("cause", String(FINGERPRINT)),  # of the alert that explains it; NULL: nothing does
    Column("path", Text),  # JSON array: the nodes from the cause to this one
    Column("affects", Integer, nullable=False),
    Column("muted_by", String(RULE_ID + 8)),  # window:ID or silence:ID
    Column("notified_at", BigInteger),  # when anybody was told first
    Column("acknowledged_at", BigInteger),
    Column("acknowledged_by", Text),
    Column("acknowledged_note", Text),
    Index("uq_alert_fingerprint_starts_at", "fingerprint", "starts_at", unique=True),
    Index(None, "ends_at"),
    Index(None, "subject_id"),
    Index(None, "starts_at"),
)

# When a group of alerts is looked at next, and what its receiver was told.
alert_group = Table(
    "alert_group",
    metadata,
    Column("id", String(32), primary_key=True),  # triggers.routing.GroupKey.id
    Column("route", String(RULE_ID), nullable=False),
    Column("receiver", String(RULE_ID), nullable=False),
    Column("labels", Text, nullable=False),  # JSON array of [name, value]
    Column("next_at", BigInteger),  # NULL: only its log is kept
    Column("flushed", Boolean, nullable=False),
    Column("log_at", BigInteger),  # NULL: nobody was told
    Column("log_number", Integer),
    Column("log_firing", Text),  # JSON array of fingerprints
    Column("log_resolved", Text),
)

# What was told to a receiver.
notification = Table(
    "notification",
    metadata,
    Column("id", String(32), primary_key=True),  # triggers.pipeline.Notification.id
    Column("group_id", String(32), nullable=False),
    Column("receiver", String(RULE_ID), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("body", Text, nullable=False),  # JSON of triggers.messages.Message
    Index(None, "at"),
    Index(None, "group_id"),
)

silence = Table(
    "silence",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("matchers", Text, nullable=False),  # JSON array of {label, value, regex, negative}
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index(None, "ends_at"),
)

# What is to be sent: one row a receiver, written with the decision to send it. Of one series, the rows to one receiver
# go out in the order in which they were written: `next_at` never falls from one pending row to the next.
outbox = Table(
    "outbox",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("target_id", String(RULE_ID), nullable=False),
    Column("kind", String(16), nullable=False),  # collector.storage.outbox.Kind
    Column(
        "series", String(64)
    ),  # what it is about: a group of alerts, a run; NULL: its order does not matter
    Column(
        "key", String(64), nullable=False
    ),  # the same for the same thing to the same receiver, whoever decides it
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),  # pending, delivered, dead, cancelled
    Column("attempts", Integer, nullable=False),  # since it was queued, that under way included
    Column("next_at", BigInteger, nullable=False),  # of pending rows: when it is tried next
    Column("holder", String(64)),  # who is sending it now
    Column("held_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("queued_at", BigInteger, nullable=False),  # when it was written, or queued again by hand
    Column("ended_at", BigInteger),
    Column("error", Text),  # of the last attempt
    Column(
        "once", Boolean, nullable=False, server_default=false()
    ),  # what may have arrived is not sent again
    Column("answer", Text),  # JSON: what the receiver said of it that is needed later
    Index("uq_outbox_key", "key", unique=True),
    Index(None, "state", "target_id", "next_at", "id"),
    Index(None, "state", "id"),
    Index(None, "target_id", "id"),
    sqlite_autoincrement=True,
)

# Every attempt to send.
delivery = Table(
    "delivery",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("outbox_id", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("took", BigInteger, nullable=False),  # µs
    Column("outcome", String(16), nullable=False),  # collector.outbound.sending.Result
    Column("status", Integer),  # of HTTP
    Column("error", Text),
    Index(None, "outbox_id"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

# Whoever was sent anything, or is to be: one row each, locked by whoever takes something out of the outbox for it.
receiver = Table(
    "receiver",
    metadata,
    Column("id", String(RULE_ID), primary_key=True),
    Column("tried_at", BigInteger),  # the last time; whoever waits longest is served next
    Column(
        "busy_until", BigInteger
    ),  # something of a series is being sent to it, by a dispatcher alive until then
    Column("failures", Integer, nullable=False),  # since it could be reached the last time
    Column("wait_until", BigInteger),  # it asked for a pause, or could not be reached
    Column("disabled_at", BigInteger),  # it asked to hear no more
    Column("reason", Text),
)
