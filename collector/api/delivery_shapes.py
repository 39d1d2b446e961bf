"""What is asked and answered about deliveries and targets."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from collector.api.fields import Instant, Text
from collector.api.parameters import Paged
from collector.api.shapes import Page, said
from collector.outbound.sending import Kind, Result
from collector.storage.outbox import State

STATES = [state.value for state in State]


class DeliveriesQuery(Paged):
    """Deliveries."""

    state = Text(
        validate=validate.OneOf(STATES),
        metadata=said("`dead`: nothing tries it again until somebody asks for it"),
    )
    target = Text(metadata=said("only to this target"))


class Delivery(Schema):
    """Something for a target, and what has become of it."""

    id = fields.Integer(required=True)
    target = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": [kind.value for kind in Kind]})
    key = fields.String(
        required=True, metadata=said("what the receiver tells it by, the same at each attempt")
    )
    state = fields.String(required=True, metadata={"enum": STATES})
    attempts = fields.Integer(required=True, metadata=said("since it was queued"))
    created_at = Instant(required=True)
    queued_at = Instant(
        required=True, metadata=said("later than `created_at` if somebody has asked for it again")
    )
    next_at = Instant(required=True, allow_none=True, metadata=said("when it is tried next"))
    ended_at = Instant(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True, metadata=said("of the last attempt"))
    once = fields.Boolean(
        required=True, metadata=said("it is not sent again by itself if it may have arrived")
    )
    answer = fields.Dict(
        keys=fields.String(),
        required=True,
        allow_none=True,
        metadata=said(
            "what the target said of what it started: `run_id` or `external_id`, and `url`; `duplicate` if it "
            "was there already; a `warning`"
        ),
    )


class Deliveries(Page):
    """Deliveries."""

    items = fields.List(fields.Nested(Delivery), required=True)


class Tried(Schema):
    """An attempt."""

    attempt = fields.Integer(required=True)
    at = Instant(required=True)
    seconds = fields.Float(required=True, metadata=said("that it took"))
    outcome = fields.String(
        required=True,
        metadata={
            "enum": [result.value for result in Result],
            "description": "`unknown`: it may have arrived; `gone`: the receiver wants to hear no more",
        },
    )
    status = fields.Integer(required=True, allow_none=True, metadata=said("of HTTP or SMTP"))
    error = fields.String(required=True, allow_none=True)


class DeliveryDetail(Delivery):
    """A delivery with what it says."""

    body = fields.Raw(
        required=True,
        metadata=said(
            "of a message: its data, times in µs; of an action: what is started, and what fired it"
        ),
    )
    tried = fields.List(fields.Nested(Tried), required=True, metadata=said("the attempts, in order"))


class Target(Schema):
    """Somewhere to send to. Its options are in the rules."""

    id = fields.String(required=True)
    kind = fields.String(
        required=True,
        allow_none=True,
        metadata=said("null: no rule has it any more, but it was sent something"),
    )
    disabled_at = Instant(required=True, allow_none=True, metadata=said("since when it is sent nothing"))
    wait_until = Instant(required=True, allow_none=True, metadata=said("until when it is left alone"))
    reason = fields.String(required=True, allow_none=True, metadata=said("of either"))
    tried_at = Instant(required=True, allow_none=True, metadata=said("the last attempt"))
    oldest_pending_at = Instant(required=True, allow_none=True)
    counts = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata=said("of its deliveries, by state"),
    )


class Targets(Schema):
    """All targets, by id."""

    items = fields.List(fields.Nested(Target), required=True)


class Queued(Schema):
    """What was queued."""

    key = fields.String(required=True, metadata=said("what its delivery is told by"))
