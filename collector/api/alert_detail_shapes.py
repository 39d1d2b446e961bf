"""The shape of the answer about one alert."""

from __future__ import annotations

from marshmallow import Schema, fields

from collector.api.alert_shapes import Alert, Notification, Silence
from collector.api.cause_shapes import AlertCause
from collector.api.fields import Instant
from collector.api.freshness_shapes import Decision
from collector.api.shapes import said
from collector.api.why_shapes import Muted
from collector.storage.outbox import State


class Sent(Schema):
    """What became of a message."""

    id = fields.Integer(required=True, metadata=said("of the delivery"))
    state = fields.String(required=True, metadata={"enum": [state.value for state in State]})
    attempts = fields.Integer(required=True)
    next_at = Instant(required=True, allow_none=True, metadata=said("when it is tried next"))
    ended_at = Instant(required=True, allow_none=True)
    status = fields.Integer(
        required=True, allow_none=True, metadata=said("of HTTP or SMTP: what the receiver answered last")
    )
    error = fields.String(required=True, allow_none=True)


class NotificationSent(Notification):
    """That a receiver was told, and whether it got there."""

    delivery = fields.Nested(
        Sent,
        required=True,
        allow_none=True,
        metadata=said(
            "null: it is not known any more, nothing is sent to that receiver, or the key may not see"
        ),
    )


class Telling(Schema):
    """A reason why somebody is told, or is not."""

    text = fields.String(required=True)
    at = Instant(required=True, allow_none=True, metadata=said("the time that the sentence ends with"))


class AlertDetail(AlertCause):
    """All about one alert."""

    affected = fields.List(
        fields.Nested(Alert), required=True, metadata=said("what it explains, at most 100; `/alerts` has all")
    )
    notifications = fields.List(
        fields.Nested(NotificationSent), required=True, metadata=said("that named it, the newest 50")
    )
    muted = fields.Nested(
        Muted, required=True, allow_none=True, metadata=said("what holds it back; null: nothing does")
    )
    telling = fields.List(
        fields.Nested(Telling),
        required=True,
        allow_none=True,
        metadata=said("why somebody was told, or was not; null for keys of some namespaces"),
    )
    silences = fields.List(
        fields.Nested(Silence),
        required=True,
        allow_none=True,
        metadata=said("that match it, now or in time to come; null for keys of some namespaces"),
    )
    decisions = fields.List(
        fields.Nested(Decision),
        required=True,
        metadata=said("about the dataset by the expectation that it is an alert of, the newest 10"),
    )
