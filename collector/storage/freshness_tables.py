"""The tables of freshness: the rules, what is to be looked at, how each dataset stands, and how it stood."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text

from collector.storage.schema import CLUSTERED, RowId, metadata

RULE_ID = 200
"""Characters that the id of a rule may have."""

# The rules in force, one row each. `revision` (row "rules") counts their changes; the engine follows it.
rule = Table(
    "rule",
    metadata,
    Column("kind", String(16), primary_key=True),  # expectation, trigger, target, window, alerting, ...
    Column("id", String(RULE_ID), primary_key=True),  # empty where there is one of its kind
    Column("position", Integer, nullable=False),  # its place in the document
    Column("body", Text, nullable=False),  # JSON, complete: nothing in it depends on another row
    Column("changed_at", BigInteger, nullable=False),
    **CLUSTERED,
)

# What the projector, or people, have changed and the engine has not looked at. A queue, not a table to be read by "id
# greater than the last": ids become visible in another order than they are given out.
fact = Table(
    "fact",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("subject_id", BigInteger, nullable=False),  # a name of a dataset, or a job
    Column("what", Integer, nullable=False),  # set of storage.facts.What
    Column("at", BigInteger, nullable=False),
    # JSON array: of a name of a dataset [event_time, run_id] of its new updates, of a job the ids of its changed runs
    Column("which", Text),
    sqlite_autoincrement=True,
)

# How a dataset stands to an expectation that is on it. `next_look_at` is its timer: one each, so that whoever looks
# twice, or two at once, decide the same release once.
expectation_state = Table(
    "expectation_state",
    metadata,
    Column("expectation_id", String(RULE_ID), primary_key=True),
    Column("dataset_id", BigInteger, primary_key=True, autoincrement=False),  # canonical
    Column("state", String(16), nullable=False),  # triggers.verdict.State
    Column("reason", Text, nullable=False),  # JSON of triggers.verdict.Reason
    Column("release_at", BigInteger),
    Column("deadline_at", BigInteger),
    Column("late_by", BigInteger),
    Column("since", BigInteger),
    Column("next_look_at", BigInteger),
    Column("bad_since", BigInteger),  # NULL unless violated
    Column("last_good_at", BigInteger),  # since when it was well the last time that it was
    Column("settled_at", BigInteger),  # outcomes of releases with deadlines before this are written
    Column("changed_at", BigInteger, nullable=False),  # when the engine saw the last change of state
    Index(None, "dataset_id"),
    Index(None, "next_look_at"),
    Index(None, "state"),
    **CLUSTERED,
)

# Every decision: a row whenever a state, its reason or its release changed. Kept for `evaluation_days`.
evaluation = Table(
    "evaluation",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("expectation_id", String(RULE_ID), nullable=False),
    Column("dataset_id", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("prompt", String(16), nullable=False),  # fact, timer, rules: what made the engine look
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("release_at", BigInteger),
    Column("deadline_at", BigInteger),
    Column("late_by", BigInteger),
    Column("since", BigInteger),
    Index(None, "dataset_id", "expectation_id", "id"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

# What became of each release whose deadline has passed, for the share of deadlines met.
outcome = Table(
    "outcome",
    metadata,
    Column("expectation_id", String(RULE_ID), primary_key=True),
    Column("dataset_id", BigInteger, primary_key=True, autoincrement=False),
    Column("release_at", BigInteger, primary_key=True, autoincrement=False),
    Column("deadline_at", BigInteger, nullable=False),
    Column("arrived_at", BigInteger),  # NULL: not yet, or never
    Column("met", Boolean, nullable=False),
    Column("excluded_by", String(RULE_ID)),  # the window that takes it out of the account
    Index(None, "deadline_at"),
    **CLUSTERED,
)

# When the release that a dataset owes is foretold to come, for expectations that want to be warned; a row each.
forecast = Table(
    "forecast",
    metadata,
    Column("expectation_id", String(RULE_ID), primary_key=True),
    Column("dataset_id", BigInteger, primary_key=True, autoincrement=False),  # canonical
    Column("release_at", BigInteger),  # the first that is not met; NULL: none is known
    Column("deadline_at", BigInteger),
    Column("next_at", BigInteger),  # when to look at it next
    # What was foretold of this release the last time; NULL: nothing, `reason` tells why if there was a look.
    Column("made_at", BigInteger),
    Column("expected_at", BigInteger),  # as likely earlier as later
    Column("low_at", BigInteger),  # it comes between these with a probability of 90 %
    Column("high_at", BigInteger),
    Column("chance", Float),  # of missing the deadline
    Column("missing", Boolean, nullable=False),  # it was announced that it will miss it
    Column("reason", Text),  # JSON of triggers.verdict.Reason
    Column("first_told_at", BigInteger),  # since when it is announced; NULL: it is not
    Index(None, "next_at"),
    Index(None, "missing", "deadline_at"),
    **CLUSTERED,
)

# When some loop was last known to be alive; what lies between that and its next start is an outage.
pulse = Table(
    "pulse",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("at", BigInteger, nullable=False),
)
