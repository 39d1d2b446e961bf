"""The shapes of answers about alerts and silences, and the parameters and bodies of requests."""

from __future__ import annotations

import re
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from collector.api.fields import Instant, Text, Whole
from collector.api.freshness_shapes import SEVERITIES, CauseOf
from collector.api.parameters import LAST_ID, Paged, node_field
from collector.api.shapes import Page, said
from collector.storage.silences import State

LABELS: Final = ("rule", "type", "namespace", "name", "severity", "owner", "node", "tag", "kind", "release")
"""What a silence may ask for: the last two are labels that some alerts have besides."""

_SOME = validate.Length(min=1, max=2000)
_PERSON = validate.Length(min=1, max=200)


class AlertsQuery(Paged):
    """Alerts."""

    state = Text(
        validate=validate.OneOf(["open", "ended", "all"]),
        load_default="open",
        metadata=said("open ones: causes first, the gravest, the newest; others: the newest first"),
    )
    severity = Text(validate=validate.OneOf(SEVERITIES), metadata=said("only of this severity"))
    node = node_field("only about this dataset or job")
    cause = Whole(
        validate=validate.Range(min=1, max=LAST_ID),
        metadata=said("only those that the alert with this id explains"),
    )
    acknowledged = fields.Boolean(
        truthy={"true"}, falsy={"false"}, metadata=said("only those that somebody takes care of, or nobody")
    )
    affected = fields.Boolean(
        truthy={"true"}, falsy={"false"}, metadata=said("only those that another explains, or causes alone")
    )


class Acknowledgement(Schema):
    """Somebody's word that he takes care of it."""

    at = Instant(required=True)
    by = fields.String(required=True)
    note = fields.String(required=True)


class Alert(Schema):
    """A time that something was wrong, or is."""

    id = fields.Integer(required=True)
    rule = fields.String(
        required=True, metadata=said("the id of the expectation, or the kind of fault: `failed_run`")
    )
    node = fields.String(required=True, metadata=said("as `/lineage` takes it"))
    type = fields.String(required=True, metadata={"enum": ["job", "dataset"]})
    namespace = fields.String(required=True)
    name = fields.String(required=True)
    severity = fields.String(
        required=True, metadata=said("at a cause, the gravest of what it explains", enum=SEVERITIES)
    )
    labels = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    owner = fields.String(required=True, allow_none=True)
    tags = fields.List(fields.String(), required=True)
    text = fields.String(required=True, metadata=said("what is wrong"))
    explanation = fields.String(
        required=True,
        allow_none=True,
        metadata=said("why, as the graph told when it was told last; null for keys of some namespaces"),
    )
    starts_at = Instant(required=True)
    ends_at = Instant(required=True, allow_none=True, metadata=said("null: it is open"))
    last_good_at = Instant(required=True, allow_none=True, metadata=said("null: nobody knows"))
    cause = fields.Nested(
        CauseOf, required=True, allow_none=True, metadata=said("the alert that explains it; null: none does")
    )
    path = fields.List(
        fields.String(),
        required=True,
        metadata=said("the nodes from the cause to this one; empty if not all of them can be seen"),
    )
    affects = fields.Integer(required=True, metadata=said("alerts that it explains"))
    muted_by = fields.String(
        required=True, allow_none=True, metadata=said("`silence:ID` or `window:ID`; null: nothing")
    )
    notified_at = Instant(
        required=True, allow_none=True, metadata=said("when anybody was told first; null: nobody was")
    )
    acknowledged = fields.Nested(Acknowledgement, required=True, allow_none=True)


class Alerts(Page):
    """Alerts."""

    items = fields.List(fields.Nested(Alert), required=True)


class Notification(Schema):
    """That a receiver was told."""

    at = Instant(required=True)
    receiver = fields.String(required=True)
    reason = fields.String(
        required=True, metadata=said("`first`, `new_firing`, `new_resolved`, `all_resolved`, `repeat`")
    )
    title = fields.String(
        required=True,
        allow_none=True,
        metadata=said("of the message, which may be about others too; null for keys of some namespaces"),
    )


class AcknowledgeBody(Schema):
    """Who takes care of it."""

    by = Text(
        validate=_PERSON, metadata=said("needed where there are no keys; a key's name stands beside it")
    )
    note = Text(required=True, validate=_SOME, metadata=said("what is being done"))


class NoBody(Schema):
    """Nothing: any key is an error."""


class Matcher(Schema):
    """A condition on one label of an alert."""

    label = Text(required=True, metadata=said(f"one of {', '.join(LABELS)}"))
    value = Text(required=True, validate=validate.Length(max=2000))
    regex = fields.Boolean(
        truthy={True},
        falsy={False},
        load_default=False,
        metadata=said("the value is a pattern for the whole of the label"),
    )
    negative = fields.Boolean(
        truthy={True}, falsy={False}, load_default=False, metadata=said("it must not be so")
    )

    @validates_schema
    def means_something(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """A label that no alert has would mute nothing, and a pattern that is none everything or nothing."""
        if data["label"] not in LABELS:
            raise ValidationError(f"No label of alerts; they have {', '.join(LABELS)}.", "label")
        if data["label"] == "severity" and not data["regex"] and data["value"] not in SEVERITIES:
            raise ValidationError(f"No severity; there are {', '.join(SEVERITIES)}.", "value")
        if data["regex"]:
            try:
                re.compile(data["value"])
            except re.error as error:
                raise ValidationError(f"No pattern: {error}.", "value") from error


class PreviewBody(Schema):
    """What a silence would match."""

    matchers = fields.List(
        fields.Nested(Matcher),
        required=True,
        validate=validate.Length(min=1, max=100),
        metadata=said("all of them must hold"),
    )


class Preview(Schema):
    """The open alerts that a silence would match."""

    items = fields.List(
        fields.Nested(Alert), required=True, metadata=said("at most 20 of them, causes first")
    )
    total = fields.Integer(required=True)


class SilencesQuery(Paged):
    """Silences."""

    state = fields.List(
        Text(validate=validate.OneOf([state.value for state in State])),
        load_default=[State.PENDING.value, State.ACTIVE.value],
        metadata=said("may come several times; those that have not expired if not given"),
    )


class SilenceBody(Schema):
    """A silence to be made, or what one is to become."""

    id = Text(
        metadata=said("the one to change. With other matchers it is ended, and another one made instead")
    )
    matchers = fields.List(
        fields.Nested(Matcher),
        required=True,
        validate=validate.Length(min=1, max=100),
        metadata=said("all of them must hold"),
    )
    starts_at = Instant(metadata=said("now if not given"))
    ends_at = Instant(required=True)
    author = Text(
        validate=_PERSON, metadata=said("needed where there are no keys; a key's name stands beside it")
    )
    reason = Text(required=True, validate=_SOME)


class Silence(Schema):
    """Somebody's word that some alerts need not be told until a time."""

    id = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": [state.value for state in State]})
    matchers = fields.List(fields.Nested(Matcher), required=True)
    starts_at = Instant(required=True, attribute="starts")
    ends_at = Instant(required=True, attribute="ends")
    author = fields.String(required=True)
    reason = fields.String(required=True)
    updated_at = Instant(required=True)


class Silences(Page):
    """Silences, those that end last first."""

    items = fields.List(fields.Nested(Silence), required=True)
