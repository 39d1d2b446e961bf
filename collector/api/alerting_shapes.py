"""Windows and the alerting section as rule files write them. What the values mean,
``triggers.alerting_documents`` says.
"""

from __future__ import annotations

from typing import Final

from marshmallow import fields, validate

from collector.api.fields import Text
from collector.api.rule_fields import (
    FEW,
    SHORT,
    Keyed,
    OneOrMany,
    Part,
    clock_time,
    hours,
    id_field,
    lasting,
    moment,
    text,
    weekdays,
)
from collector.api.shapes import said
from triggers.alerting_documents import GROUP_LABELS
from triggers.maintenance import ForTriggers

LONGEST_OWNER: Final = 190
"""Characters of an owner that has a URL of its own: it becomes part of an id."""


def label(said_: str) -> OneOrMany:
    """Make a field for what a label must be."""
    return OneOrMany(keep=True, metadata=said(said_))


class Match(Part):
    """Which alerts: those of which everything holds that is given here.

    A value may have `*` and `?`, or `=`, `!=`, `=~`, `!~` before it; of several in a list one must hold.
    """

    severity = label("info, warning, critical")
    tag = label("of the dataset; if it has several, any")
    owner = label("of the dataset")
    namespace = label("of the dataset or job")
    name = label("of the dataset or job")
    rule = label("the id of the expectation, or of the trigger")
    type = label("dataset, job")


class RouteMatch(Match):
    """Which alerts a route takes."""

    affected = fields.Boolean(
        metadata=said(
            "those that something upstream explains, and only those; otherwise only the others", default=False
        )
    )


class Weekly(Part):
    """Hours of some days of the week."""

    weekdays = weekdays()
    times = hours()


class WindowRule(Part):
    """A time of planned work: once, from a time to another, or weekly."""

    id = id_field(required=True)
    from_ = moment("its beginning", data_key="from", attribute="from")
    to = moment("its end, not included")
    weekly = fields.Nested(Weekly)
    timezone = text("of its times, if it is not that of the file")
    match = fields.Nested(Match, metadata=said("what it is about; everything"))
    alerts = Text(
        validate=validate.OneOf(["mute", "tell"]),
        metadata=said("whether alerts are told in it", default="mute"),
    )
    slo = Text(
        validate=validate.OneOf(["exclude", "count"]),
        metadata=said("whether deadlines in it count for objectives", default="exclude"),
    )
    triggers = Text(
        validate=validate.OneOf([each.value for each in ForTriggers]),
        metadata=said(
            "`hold`: those whose inputs match fire once after it; `drop`: what comes in it starts nothing",
            default="ignore",
        ),
    )
    reason = text("for people", required=True)
    by = text("who says so", required=True)
    expires = moment("a weekly one ends for good")


def group_labels() -> fields.List[str]:
    """Make a field for what alerts are grouped by."""
    return fields.List(
        Text(validate=validate.OneOf(GROUP_LABELS)),
        validate=FEW,
        metadata=said("alerts alike in all of it are told together; `cause` is the node at which it began"),
    )


class Timing(Part):
    """How long groups wait."""

    group_wait = lasting("from the first alert of a group to its first message", default="1m")
    group_interval = lasting("between two looks at a group", default="5m")
    repeat_interval = lasting("until an unchanged group is told again", default="12h")


class Digest(Part):
    """All of it in one message a day."""

    at = clock_time("by the clock of the file's time zone", required=True)
    calendar = text("only on its working days")


class RouteRule(Timing):
    """Which alerts go where; the first route that matches takes the alert."""

    name = id_field(metadata=said("what its groups are known by; made of `match` if left out"))
    match = fields.Nested(RouteMatch, metadata=said("everything that nothing upstream explains"))
    to = OneOrMany(
        required=True,
        metadata=said("targets; `owner`: that of the owner of the cause; `nobody`"),
    )
    digest = fields.Nested(Digest)
    group_by = group_labels()
    send_resolved = fields.Boolean(metadata=said("tell when all is well again", default=True))


class LineageInhibition(Part):
    """One alert at the cause: what lies downstream is affected by it."""

    max_depth = fields.Integer(
        strict=True,
        validate=validate.Range(0, 100),
        metadata=said("edges between a cause and what it explains", default=10),
    )
    resume_after = lasting("what is bad this long after its cause alerts by itself", default="15m")


class Inhibit(Part):
    """What keeps alerts from being told as ones of their own."""

    lineage = fields.Nested(LineageInhibition)


class Alerting(Timing):
    """Who hears of what is wrong, with what else, and when."""

    group_by = group_labels()
    inhibit = fields.Nested(Inhibit)
    routes = fields.List(fields.Nested(RouteRule), validate=validate.Length(max=1000))
    owner_map = Keyed(
        keys=Text(validate=validate.Length(min=1, max=LONGEST_OWNER)),
        values=Text(validate=SHORT),
        validate=validate.Length(max=10_000),
        metadata=said("the target of each owner, or an Apprise URL as `env:NAME`; `default`: of all others"),
    )
