"""The shapes of answers about causes, and the parameters of questions about them."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from collector.api.alert_shapes import Alert
from collector.api.fields import Instant, Text
from collector.api.freshness_shapes import SEVERITIES
from collector.api.parameters import Paged, node_field
from collector.api.shapes import Page, Run, said

MOST_NAMED = 10
"""Alerts that are listed with the cause that explains them."""


class CausesQuery(Paged):
    """Causes."""

    state = Text(
        validate=validate.OneOf(["open", "ended"]),
        load_default="open",
        metadata=said("open ones: the gravest, the newest first; ended ones: those that ended last"),
    )
    severity = Text(validate=validate.OneOf(SEVERITIES), metadata=said("only of this severity"))
    node = node_field("only those that are about this dataset or job, or explain an alert about it")
    acknowledged = fields.Boolean(
        truthy={"true"}, falsy={"false"}, metadata=said("only those that somebody takes care of, or nobody")
    )
    since = Instant(metadata=said("of ended ones only those that ended at this time or later"))


class AlertCause(Alert):
    """Something that is wrong, and that nothing explains that the key may see; with all that it explains."""

    title = fields.String(required=True, metadata=said("what is wrong, in a few words"))
    datasets = fields.Integer(required=True, metadata=said("others that are not as expected because of it"))
    foretold = fields.Integer(required=True, metadata=said("that will probably be late because of it"))
    owners = fields.List(
        fields.String(), required=True, metadata=said("of it and these datasets, those of most first")
    )
    deadlines = fields.Integer(
        required=True, metadata=said("of these datasets, those whose deadline is yet to come")
    )
    next_deadline = Instant(required=True, allow_none=True, metadata=said("the first of these"))
    run = fields.Nested(
        Run, required=True, allow_none=True, metadata=said("the newest run, if it is a job that the key sees")
    )


class CauseAffecting(AlertCause):
    """A cause with some of what it explains."""

    affected = fields.List(
        fields.Nested(Alert),
        required=True,
        metadata=said(
            f"what it explains, at most {MOST_NAMED} of it: `/alerts?cause=` lists all; open causes only"
        ),
    )


class CauseCounts(Schema):
    """How much is wrong now."""

    causes = fields.Integer(required=True)
    acknowledged = fields.Integer(required=True, metadata=said("of the causes"))
    muted = fields.Integer(required=True, metadata=said("of the causes, by silences and windows"))
    datasets = fields.Integer(required=True, metadata=said("that are not as expected"))


class AlertCauses(Page):
    """Causes. One that is over stays open while something that it explains has not caught up."""

    items = fields.List(fields.Nested(CauseAffecting), required=True)
    counts = fields.Nested(CauseCounts, required=True, metadata=said("of all open ones"))
