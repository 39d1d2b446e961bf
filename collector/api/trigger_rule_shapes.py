"""Triggers as rule files write them. What the values mean, ``triggers.trigger_documents`` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from marshmallow import INCLUDE, Schema, ValidationError, fields, post_load, pre_load, validate

from collector.api.expectation_shapes import CatchUpOnMissed, Selector
from collector.api.fields import Text
from collector.api.rule_fields import (
    DEEPEST,
    FEW,
    SHORT,
    TOO_DEEP,
    Free,
    OneOrMany,
    Part,
    Various,
    clock_time,
    id_field,
    lasting,
    text,
)
from collector.api.shapes import said
from collector.api.target_shapes import own_kinds
from triggers.action_options import COMMON, KINDS, Option
from triggers.conditions import Delivery, Guard, Mode, Stage, Then
from triggers.model import Grain, KeySource

CRON: Final = "five fields, as Debian's cron reads them"

LONGEST_TEMPLATE: Final = validate.Length(min=1, max=20_000)

FORMS: Final[Mapping[type, Any]] = {
    str: lambda: Text(validate=LONGEST_TEMPLATE),
    int: lambda: fields.Integer(strict=True),
    bool: fields.Boolean,
    list: lambda: Free("array"),
    dict: lambda: Free("object"),
}


class GateAssertions(Part):
    """Checks of the very update have passed."""

    names = OneOrMany(metadata=said("keys of the checks that count; all"))
    severity = Text(
        validate=validate.OneOf(["error", "warn"]),
        metadata=said("the least one that counts: `warn` takes those in that only warn", default="error"),
    )
    status = Text(validate=validate.OneOf(["all_passed"]), metadata=said("", default="all_passed"))
    min_count = fields.Integer(
        strict=True,
        validate=validate.Range(1, 10_000),
        metadata=said("results that there must be", default=1),
    )
    wait = lasting("how long after the update they may come; if left out, what is there counts")


class GateRule(Part):
    """What must be so for an update to count."""

    assertions = fields.Nested(GateAssertions)
    expectation = OneOrMany(id_field, metadata=said("ids of expectations that must be as expected"))


class NOf(Part):
    """Some of several."""

    count = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1000))
    of = fields.List(
        fields.Nested(lambda: ConditionRule()), required=True, validate=validate.Length(min=1, max=1000)
    )


def parts(said_: str) -> fields.List[Any]:
    """Make a field for several conditions."""
    return fields.List(
        fields.Nested(lambda: ConditionRule()),
        validate=validate.Length(min=1, max=1000),
        metadata=said(said_),
    )


class ConditionRule(Part):
    """What is waited for: one of all, any, n_of, or the updates of some datasets."""

    error_messages = {"type": "Must be keys and values, as {dataset: {name: NAME}} or {all: [...]}."}  # noqa: RUF012

    all = parts("each of them that is not optional")
    any = parts("one of them")
    n_of = fields.Nested(NOf)
    id = id_field(metadata=said("of the input; input-1, input-2 and so on if left out"))
    dataset = fields.Nested(Selector, metadata=said("an update of any of these datasets"))
    optional = fields.Boolean(metadata=said("taken along, not waited for", default=False))
    require = fields.Nested(GateRule)
    grain = Text(
        validate=validate.OneOf([each.value for each in Grain]),
        metadata=said("of its partitions, if it is finer than that of the join: all of them must be there"),
    )


class KeyRule(Part):
    """How it is known which partition an update wrote."""

    from_ = OneOrMany(
        lambda: Text(validate=validate.OneOf([each.value for each in KeySource])),
        data_key="from",
        attribute="from",
        metadata=said("where it stands; the first that says so", default=["output_subset", "nominal_time"]),
    )
    name_pattern = OneOrMany(
        metadata=said(
            "regular expressions: the first group, or all that is found, in the name of the dataset",
            examples=[r"orders_(\d{8})$"],
        )
    )
    grain = Text(
        validate=validate.OneOf([each.value for each in Grain]),
        metadata=said("how long the time is that one partition holds", default="day"),
    )


class JoinRule(Part):
    """When updates of several inputs belong together."""

    mode = Text(
        validate=validate.OneOf([each.value for each in Mode]),
        metadata=said(
            "`latched`: each since the last firing; `window`: all within some time; `epoch`: all since the last tick "
            "of a schedule; `partition`: all of the same partition; `level`: any, while all are as they should be. "
            "May be left out for one input, and is `level` then"
        ),
    )
    expire = lasting("a join that is not complete is given up so long after it began")
    within = lasting("of `window`: updates are at most so far apart, by the time at which they are received")
    schedule = text(f"of `epoch`: {CRON}", examples=["0 4 * * *"])
    tolerance = lasting("of `epoch`: so long before a tick what comes belongs to it already", default="0s")
    key = fields.Nested(KeyRule, metadata=said("of `partition`"))


class DeadlineRule(Part):
    """Until when it is to be complete: at a time of day, or some time after it began."""

    at = clock_time("by the clock of the trigger's time zone")
    after = lasting("it began")
    calendar = text("only on its working days")
    then = Text(
        required=True,
        validate=validate.OneOf([each.value for each in Then]),
        metadata=said(
            "`alert`: people are told what is missing; `fire_partial`: it fires with what is there; `drop`: it is "
            "given up"
        ),
    )


class Debounce(Part):
    """Waiting until no more comes."""

    quiet = lasting("so long nothing has come", required=True)
    max_wait = lasting("so long after it was complete it fires in any case")


class MaxFires(Part):
    """How often it fires; once more, and it stops until somebody resumes it."""

    count = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1_000_000))
    per = lasting("in any stretch of time this long", required=True)


class GuardRule(Part):
    """What holds back what is complete; it fires once when nothing does any more, with all that came meanwhile."""

    debounce = fields.Nested(Debounce)
    cooldown = lasting("between two firings of the same key")
    max_in_flight = fields.Integer(
        strict=True,
        validate=validate.Range(1, 10_000),
        metadata=said("runs of the same key that go on at a time; needs lost_after"),
    )
    lost_after = lasting("a run of which nothing was heard counts as lost so long after its start")
    max_fires = fields.Nested(MaxFires)
    max_chain = fields.Integer(
        strict=True,
        validate=validate.Range(1, 100),
        metadata=said(
            "how often the trigger may stand among the causes of what it waits for", default=Guard().max_chain
        ),
    )


class BlockedRule(Part):
    """Who is told when an update does not count."""

    notify = id_field(required=True, metadata=said("a target"))
    text = Text(validate=LONGEST_TEMPLATE, metadata=said("a template"))


class JobRule(Part):
    """A job of the graph."""

    namespace = text(required=True)
    name = text(required=True)


def option(name: str) -> Various:
    """Make a field for something that may be said to several kinds of targets."""
    found: dict[str, Option] = {
        kind: each.options[name] for kind, each in KINDS.items() if name in each.options
    }
    # A template may stand for any of them.
    forms = dict.fromkeys([str, *(form for each in found.values() for form in each.forms)])
    told: dict[str, list[str]] = {}
    for kind, each in found.items():
        told.setdefault(each.means, []).append(kind)
    return Various(
        {form: FORMS[form]() for form in forms},
        metadata=said("; ".join(f"{', '.join(kinds)}: {means}" for means, kinds in told.items())),
    )


class ActionRule(Part):
    """What is done: a run is started, or somebody is told. Texts may be templates."""

    class Meta:
        include = {  # noqa: RUF012  # as the library has it
            name: option(name) for each in KINDS.values() for name in each.options if name not in COMMON
        }

    id = id_field(metadata=said("of the action; that of the target if left out"))
    start = id_field(metadata=said("a target that starts a run"))
    notify = id_field(metadata=said("a target that is only told"))
    after = text(
        f"it waits until another has come so far: ACTION.STAGE, where STAGE is one of {', '.join(Stage)}",
        examples=["run.completed"],
    )
    delivery = Text(
        validate=validate.OneOf([each.value for each in Delivery]),
        metadata=said(
            "whether it is sent again if nobody knows that it arrived", default=Delivery.AT_LEAST_ONCE.value
        ),
    )
    job = Various(
        {str: Text(validate=SHORT), dict: fields.Nested(JobRule)},
        metadata=said(
            "dagster: the name of the job; else the job of the graph that is started, where that cannot be known"
        ),
    )

    @post_load
    def clean(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """Read what is not known here; whether the target takes it is told where the kind of that is known."""
        known = {name: given for name, given in data.items() if name in self.fields}
        # In an order of ours, the library has none: rules are compared by their text.
        own: dict[str, Any] = Free().deserialize(
            {name: data[name] for name in sorted(data.keys() - known.keys())}
        )
        return known | own


class OwnActionRule(ActionRule):
    """What is done: a run is started, or somebody is told. Kinds of targets of one's own take what they take."""

    class Meta(ActionRule.Meta):
        unknown = INCLUDE


def action() -> Schema:
    """Give what an action is told as."""
    return OwnActionRule() if own_kinds() else ActionRule()


class TriggerRule(Part):
    """What is waited for, and what is done then."""

    id = id_field(required=True, metadata=said("what is known of it is kept under this id"))
    description = text("for people")
    when = fields.Nested(ConditionRule, required=True)
    join = fields.Nested(JoinRule)
    earliest = clock_time("not before this time of the day on which it is complete")
    schedule = text(
        f"once a tick, at it or when it is complete after it: {CRON}", examples=["0 6 * * mon-fri"]
    )
    deadline = fields.Nested(DeadlineRule)
    guard = fields.Nested(GuardRule)
    catch_up = fields.Nested(CatchUpOnMissed, metadata=said("of ticks that passed while no engine ran"))
    on_blocked = fields.Nested(BlockedRule)
    do = fields.List(
        fields.Nested(action, unknown=INCLUDE),
        validate=FEW,
        metadata=said("in this order; if left out, a firing is only recorded"),
    )
    timezone = text("of its times, if it is not that of the file", examples=["Europe/Berlin"])

    @pre_load
    def is_not_too_deep(self, data: Any, **_kwargs: Any) -> Any:
        """Conditions are nested so deep and no deeper."""
        level = [data.get("when")] if isinstance(data, dict) else []
        for _ in range(DEEPEST):
            level = [inner for each in level for inner in _within(each)]
        if level:
            raise ValidationError({"when": [TOO_DEEP]})
        return data


def _within(given: Any) -> Iterator[Any]:
    """Give the conditions right within one, as far as it has the shape of one."""
    if isinstance(given, dict):
        n_of = given.get("n_of")
        for several in (given.get("all"), given.get("any"), n_of.get("of") if isinstance(n_of, dict) else ()):
            if isinstance(several, list):
                yield from several
