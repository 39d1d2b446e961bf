"""The shape of the answer about how everything stands."""

from __future__ import annotations

from marshmallow import Schema, fields

from collector.api.cause_shapes import AlertCause, CauseCounts
from collector.api.fields import Instant
from collector.api.freshness_shapes import Standing, StateCounts
from collector.api.shapes import Name, Run, RunMark, said

MOST_COUNTED = 1_000


class Deadline(Schema):
    """A deadline that is yet to come."""

    at = Instant(required=True, metadata=said("from when on it is late"))
    at_risk = fields.Boolean(required=True, metadata=said("it was announced that it will be missed"))
    standing = fields.Nested(Standing, required=True)


class Failure(Run):
    """The newest failed run of a job."""

    newest = fields.Nested(
        RunMark, required=True, allow_none=True, metadata=said("the newest run of the job: has it recovered?")
    )


class Minute(Schema):
    """The events of one minute."""

    at = Instant(required=True)
    events = fields.Integer(required=True)


class Intake(Schema):
    """How events come in."""

    minutes = fields.List(
        fields.Nested(Minute),
        required=True,
        metadata=said("of the last hour; of more than 2,000 events in it, estimated from some hundreds"),
    )
    first_received_at = Instant(required=True, allow_none=True)
    newest_received_at = Instant(required=True, allow_none=True)
    waiting = fields.Integer(required=True, metadata=said("in the log, and not in the catalog yet"))
    oldest_waiting_at = Instant(required=True, allow_none=True)
    rejected = fields.Integer(
        required=True, metadata=said(f"bodies that were refused, up to {MOST_COUNTED:,}")
    )
    parked = fields.Integer(
        required=True,
        metadata=said(f"events that could not be read into the catalog, up to {MOST_COUNTED:,}"),
    )


class Tool(Schema):
    """A tool that sends events."""

    tool = fields.String(required=True)
    producer = fields.String(
        required=True, allow_none=True, metadata=said("of the newest event in the sample")
    )
    version = fields.String(required=True, allow_none=True, metadata=said("as its producer names it"))
    first_at = Instant(required=True)
    last_at = Instant(required=True)
    share = fields.Float(required=True, metadata=said("of the events, from 0 to 1"))


class Status(Schema):
    """How everything stands, as far as the key may see."""

    at = Instant(required=True)
    sentence = fields.String(required=True, metadata=said("what to know first"))
    expectations = fields.Nested(StateCounts, required=True)
    counts = fields.Nested(CauseCounts, required=True)
    causes = fields.List(
        fields.Nested(AlertCause),
        required=True,
        metadata=said("the gravest, at most 6; `/alerts/causes` has all"),
    )
    deadlines = fields.List(
        fields.Nested(Deadline),
        required=True,
        metadata=said("the next 6: those first that will probably be missed, then by time"),
    )
    failures = fields.List(
        fields.Nested(Failure),
        required=True,
        metadata=said("the newest failed run of each job, at most 6; of the 2,000 runs heard of last"),
    )
    intake = fields.Nested(
        Intake, required=True, allow_none=True, metadata=said("null for keys of some namespaces")
    )
    tools = fields.List(
        fields.Nested(Tool),
        required=True,
        metadata=said(
            "that sent events, as a sample of at most 200 events tells, spread over all of the log"
        ),
    )


class SentEvent(Schema):
    """The event that was sent."""

    job = fields.Nested(Name, required=True)
    run_id = fields.String(required=True)
