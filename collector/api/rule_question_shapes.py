"""What is asked about rules that nobody follows yet, and what is answered."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from collector.api.fields import Duration, Instant, Text, Whole
from collector.api.firing_shapes import CAUSES, Consumed, Firing, FiringInput
from collector.api.freshness_shapes import Seconds
from collector.api.parameters import Limited
from collector.api.rule_shapes import RuleDocument
from collector.api.shapes import Name, said
from triggers.errors import RuleError
from triggers.suggestions import MIN_RUNS
from triggers.verdict import State
from triggers.zones import zone

HOURS_A_DAY = 24


def check_span(data: dict[str, Any]) -> None:
    """Raise ``ValidationError`` if a stretch of history ends before it begins."""
    if "since" in data and "until" in data and data["since"] >= data["until"]:
        raise ValidationError("Must be before until.", "since")


class SpanBody(Schema):
    """Rules, and a stretch of history."""

    document = fields.Nested(RuleDocument, required=True)
    since = Instant(metadata=said("30 days before `until` if not given"))
    until = Instant(metadata=said("now if not given"))

    @validates_schema
    def has_length(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """A stretch ends after it begins."""
        check_span(data)


class ReplayBody(SpanBody):
    """Rules to replay over recorded history."""


class PlanBody(SpanBody):
    """Rules to compare with those in force."""

    replay = fields.Boolean(
        truthy={True},
        falsy={False},
        load_default=True,
        metadata=said("false: do not tell what the rules would have said"),
    )


class ReplayedAlert(Schema):
    """An alert, from its opening to its end."""

    opened = Instant(required=True, metadata=said("when it was decided"))
    starts = Instant(required=True, metadata=said("since when the rule was broken"))
    ends = Instant(required=True, allow_none=True, metadata=said("null: it was open at the end"))
    severity = fields.String(required=True)
    text = fields.String(required=True)
    cause = fields.String(
        required=True, allow_none=True, metadata=said("the node upstream that explained it, if one did")
    )
    muted_by = fields.String(required=True, allow_none=True)
    receivers = fields.List(fields.String(), required=True, metadata=said("who would have been told"))


class ReplayedDecision(Schema):
    """A change of how a dataset stands."""

    at = Instant(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in State]))
    release = Instant(required=True, allow_none=True)
    deadline = Instant(required=True, allow_none=True)
    since = Instant(required=True, allow_none=True)
    text = fields.String(required=True, metadata=said("why"))


class ReplayedStanding(Schema):
    """How a dataset would have stood to an expectation."""

    expectation = fields.String(required=True)
    dataset = fields.Nested(Name, required=True)
    met = fields.Integer(required=True, metadata=said("releases in time"))
    late = fields.Integer(required=True, metadata=said("releases whose data came too late"))
    missed = fields.Integer(required=True, metadata=said("releases whose data has not come"))
    states = fields.Dict(
        keys=fields.String(), values=Seconds(), required=True, metadata=said("seconds in each state")
    )
    alerts = fields.List(fields.Nested(ReplayedAlert), required=True)
    decisions = fields.List(fields.Nested(ReplayedDecision), required=True)


class ReplayedNotification(Schema):
    """Something that a receiver would have been told."""

    at = Instant(required=True)
    receiver = fields.String(required=True)
    route = fields.String(required=True)
    reason = fields.String(required=True)
    firing = fields.Integer(required=True, metadata=said("alerts that it tells of"))
    resolved = fields.Integer(required=True)


class ReplayedReceiver(Schema):
    """How much one receiver would have been told."""

    receiver = fields.String(required=True)
    notifications = fields.Integer(required=True)
    by_hour = fields.List(
        fields.Integer(),
        required=True,
        validate=validate.Length(equal=HOURS_A_DAY),
        metadata=said("by the hour of the day, from midnight on, by the clock of the rules"),
    )


class ReplayedFiring(Schema):
    """A time that a trigger would have fired."""

    at = Instant(required=True)
    key = fields.String(
        required=True, metadata=said("of the join: a partition, the tick of an epoch, or nothing")
    )
    cause = fields.String(required=True, validate=validate.OneOf(CAUSES))
    partial_ = fields.Boolean(
        required=True, data_key="partial", attribute="partial", metadata=said("not all was there")
    )
    inputs = fields.List(
        fields.Nested(FiringInput), required=True, metadata=said("what it would have consumed")
    )


class ReplayedTrigger(Schema):
    """What a trigger would have done, had it been put in place at `since`."""

    trigger = fields.String(required=True)
    fired = fields.Integer(required=True)
    arrived = fields.Integer(required=True, metadata=said("updates that came for it"))
    unkeyed = fields.Integer(
        required=True, metadata=said("of these, those that did not say which partition they wrote")
    )
    blocked = fields.Integer(required=True, metadata=said("updates that a gate held back"))
    overdue = fields.Integer(
        required=True, metadata=said("joins that were not complete at their deadline, and not given up")
    )
    waiting = fields.Integer(required=True, metadata=said("joins that still waited at the end"))
    broken_at = Instant(
        required=True, allow_none=True, metadata=said("when it had fired too often, and stopped for good")
    )
    firings = fields.List(
        fields.Nested(ReplayedFiring), required=True, metadata=said("in order, the last 1,000 of them")
    )


class ReplaySpan(Schema):
    """A stretch of history."""

    since = Instant(metadata=said("7 days before `until` if not given"))
    until = Instant(metadata=said("now if not given"))

    @validates_schema
    def has_length(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """A stretch ends after it begins."""
        check_span(data)


class InputArrival(Schema):
    """An update that came for an input."""

    input = fields.String(required=True)
    update = fields.Nested(Consumed, required=True)


class TriggerReplay(ReplayedTrigger):
    """When a trigger would have fired, and when it did."""

    since = Instant(required=True)
    until = Instant(required=True)
    events = fields.Integer(required=True, metadata=said("events that could have a say"))
    arrivals = fields.List(
        fields.Nested(InputArrival), required=True, metadata=said("in order, the last 1,000 of them")
    )
    recorded = fields.List(
        fields.Nested(Firing), required=True, metadata=said("when it did fire, the newest 1,000 first")
    )


class RuleReplay(Schema):
    """What rules would have said, and started."""

    since = Instant(required=True)
    until = Instant(required=True)
    timezone = fields.String(required=True)
    events = fields.Integer(required=True, metadata=said("events that could have a say"))
    items = fields.List(fields.Nested(ReplayedStanding), required=True)
    receivers = fields.List(fields.Nested(ReplayedReceiver), required=True)
    notifications = fields.List(fields.Nested(ReplayedNotification), required=True)
    triggers = fields.List(
        fields.Nested(ReplayedTrigger),
        required=True,
        metadata=said("what is started is taken to end at once, and nobody pauses or fires by hand"),
    )


class RuleName(Schema):
    """A rule."""

    kind = fields.String(required=True)
    id = fields.String(required=True)


class ChangedRule(RuleName):
    """A rule that is not what it was."""

    keys = fields.List(fields.String(), required=True, metadata=said("what in it changes: `due.at`"))


class RuleBinding(Schema):
    """An expectation, and a dataset that it is on."""

    expectation = fields.String(required=True)
    dataset = fields.Nested(Name, required=True)


class PlannedTrigger(Schema):
    """What becomes of a trigger that is new, or changes, or goes."""

    trigger = fields.String(required=True)
    before = fields.Integer(
        required=True,
        allow_none=True,
        metadata=said("how often it would have fired as it is; null: it is new"),
    )
    after = fields.Integer(
        required=True, allow_none=True, metadata=said("how often as it will be; null: it goes")
    )
    same = fields.Integer(required=True, metadata=said("how often of these on the same inputs"))


class RulePlan(Schema):
    """What would change."""

    added = fields.List(fields.Nested(RuleName), required=True)
    changed = fields.List(fields.Nested(ChangedRule), required=True)
    removed = fields.List(fields.Nested(RuleName), required=True)
    unchanged = fields.Integer(required=True)
    gained = fields.List(fields.Nested(RuleBinding), required=True)
    lost = fields.List(fields.Nested(RuleBinding), required=True)
    before = fields.Nested(
        RuleReplay,
        required=True,
        allow_none=True,
        metadata=said("what the rules that change or go have said"),
    )
    after = fields.Nested(
        RuleReplay,
        required=True,
        allow_none=True,
        metadata=said("what they and the new ones would have said"),
    )
    triggers = fields.List(
        fields.Nested(PlannedTrigger),
        required=True,
        allow_none=True,
        metadata=said("of those in `before` and `after`; null: not asked for"),
    )


class SuggestionsQuery(Limited):
    """Of which datasets, and by whose clock."""

    namespace = Text(metadata=said("only datasets of this namespace"))
    name = Text(metadata=said("only datasets of this name; `*` and `?` stand for others"))
    timezone = Text(load_default="UTC", metadata=said("whose clock the data go by: `Europe/Berlin`"))
    min_runs = Whole(
        load_default=MIN_RUNS,
        validate=validate.Range(min=2, max=1000),
        metadata=said("updates from which on a rhythm is believed"),
    )
    history = Duration(metadata=said("how far to look back; `P180D` if not given"))

    @validates_schema
    def has_zone(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """The clock is one that there is."""
        try:
            zone(data["timezone"])
        except RuleError as error:
            raise ValidationError(f"{error}.", "timezone") from error


class SuggestedRule(Schema):
    """An expectation that history suggests."""

    id = fields.String(required=True)
    evidence = fields.List(fields.String(), required=True, metadata=said("what speaks for it"))


class SuggestedRules(Schema):
    """Expectations that history suggests, for review."""

    items = fields.List(fields.Nested(SuggestedRule), required=True)
    datasets = fields.Integer(required=True, metadata=said("how many were looked at"))
    document = fields.Raw(
        required=True, metadata=said("the rules, as `PUT /rules` takes them", type="object")
    )


class RuleRemark(Schema):
    """Something about a rule that its writer should know."""

    severity = fields.String(required=True, validate=validate.OneOf(["error", "warning", "note"]))
    rule = fields.String(required=True)
    text = fields.String(required=True)


class CheckBody(Schema):
    """Rules to hold against history."""

    document = fields.Nested(RuleDocument, required=True)


class RuleRemarks(Schema):
    """What history says about rules, the gravest first."""

    items = fields.List(fields.Nested(RuleRemark), required=True)
