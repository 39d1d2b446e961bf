"""The shape of the answer why a dataset stands as it does."""

from __future__ import annotations

from marshmallow import Schema, fields

from collector.api.alert_shapes import Alert, Notification
from collector.api.fields import Instant
from collector.api.freshness_shapes import STATES, Decision, Standing
from collector.api.parameters import depth_field, node_field
from collector.api.question_shapes import RootCause
from collector.api.shapes import said


class WhyQuery(Schema):
    """Which dataset."""

    node = node_field("the dataset: `dataset:NAMESPACE:NAME`", required=True)
    depth = depth_field("edges to follow upstream")


class Muted(Schema):
    """What holds notifications back."""

    by = fields.String(required=True, metadata={"enum": ["silence", "window"]})
    id = fields.String(required=True)
    author = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    ends_at = Instant(required=True, allow_none=True, attribute="ends")


class Why(Schema):
    """All that there is to say about how a dataset stands."""

    node = fields.String(required=True, metadata=said("as `/lineage` takes it"))
    state = fields.String(
        required=True,
        allow_none=True,
        metadata=said("the worst of its expectations; null: nothing is expected of it", enum=[*STATES, None]),
    )
    sentence = fields.String(required=True, metadata=said("what to know first"))
    standings = fields.List(
        fields.Nested(Standing), required=True, metadata=said("to each expectation, the worst first")
    )
    alerts = fields.List(fields.Nested(Alert), required=True, metadata=said("those that are open"))
    root_cause = fields.Nested(
        RootCause,
        required=True,
        allow_none=True,
        metadata=said("what is wrong upstream; null: all is well, or no event has named the dataset"),
    )
    muted = fields.List(fields.Nested(Muted), required=True, metadata=said("what holds its alerts back"))
    decisions = fields.List(fields.Nested(Decision), required=True, metadata=said("the newest"))
    notifications = fields.List(
        fields.Nested(Notification), required=True, metadata=said("the newest that named its alerts")
    )
