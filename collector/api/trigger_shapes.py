"""The shapes of answers about triggers, and the parameters and bodies of requests."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from collector.api.fields import Instant, Text
from collector.api.firing_shapes import Evaluation, Firing
from collector.api.parameters import Paged, depth_field
from collector.api.question_shapes import RootCause
from collector.api.shapes import Name, Page, RunMark, Update, said
from collector.questions.trigger_inputs import Stands
from collector.storage.trigger_reads import TriggerState
from collector.storage.trigger_requests import Kind
from triggers.joins import Standing

STATES = [state.value for state in TriggerState]
STANDINGS = [standing.value for standing in Standing]
STANDS = [state.value for state in Stands]
KINDS = [kind.value for kind in Kind]

LONGEST_WAIT = 10
"""Seconds: a request that waits keeps a thread of the server."""

WAIT = 1

_PERSON = validate.Length(min=1, max=200)
_SOME = validate.Length(min=1, max=2000)
_KEY = validate.Length(max=64)


class TriggersQuery(Paged):
    """Triggers."""

    state = fields.List(
        Text(validate=validate.OneOf(STATES)), metadata=said("only in this state; may come several times")
    )


class JoinsQuery(Paged):
    """Joins of one trigger."""

    state = fields.List(
        Text(validate=validate.OneOf(STANDINGS)), metadata=said("only in this state; may come several times")
    )
    key = Text(metadata=said("only of this key"))


class WhyQuery(Schema):
    """Which join to look at first, and how far."""

    key = Text(metadata=said("the join of this key; the one that most needs to be looked at if not given"))
    depth = depth_field("edges to follow upstream of what is missing")


class Hold(Schema):
    """Something that holds back a join that is complete."""

    by = fields.String(
        required=True,
        metadata=said(
            "`earliest`, `schedule`, `debounce`, `cooldown`, `paused`, `breaker`, `window`, `in_flight`, `loop`"
        ),
    )
    until = fields.String(
        required=True, allow_none=True, metadata=said("null: until something happens, and not by itself")
    )
    text = fields.String(required=True, allow_none=True)


class Join(Schema):
    """What has come of what a trigger waits for, under one key."""

    key = fields.String(required=True, metadata=said("a partition, the tick of an epoch, or nothing"))
    state = fields.String(required=True, attribute="standing.value", metadata={"enum": STANDINGS})
    begun_at = Instant(required=True, allow_none=True, metadata=said("when the first of what waits came"))
    complete_at = Instant(required=True, allow_none=True, metadata=said("since when all is there"))
    overdue_at = Instant(
        required=True, allow_none=True, metadata=said("the deadline that passed while it was incomplete")
    )
    deadline_at = Instant(
        required=True, allow_none=True, metadata=said("by when it is to be complete, while it is not")
    )
    gives_up_at = Instant(
        required=True,
        allow_none=True,
        metadata=said("when what has come is given up, or the first of it, if it stays incomplete"),
    )
    next_at = Instant(required=True, allow_none=True, metadata=said("when time alone changes something"))
    due = fields.Boolean(required=True, metadata=said("the engine is to look at it now"))
    changed_at = Instant(required=True)
    fired_at = Instant(required=True, allow_none=True, metadata=said("the last time"))
    fired = fields.Integer(required=True, metadata=said("how often"))
    pending = fields.Integer(required=True, metadata=said("updates that came and are not consumed"))
    evaluation = fields.Nested(
        Evaluation,
        required=True,
        allow_none=True,
        attribute="tree",
        metadata=said("null: it was not looked at yet"),
    )
    holds = fields.List(fields.Nested(Hold), required=True)


class Joins(Page):
    """Joins, those in which something changed last first."""

    items = fields.List(fields.Nested(Join), required=True)


class Input(Schema):
    """Something that a trigger waits for."""

    id = fields.String(required=True, allow_none=True, metadata=said("null: the key may not see what it is"))
    optional = fields.Boolean(required=True)
    datasets = fields.List(fields.Nested(Name), required=True, metadata=said("some of those it may be"))
    bound = fields.Integer(required=True, metadata=said("how many it may be"))


class InputStanding(Schema):
    """How something that a trigger waits for stands."""

    input = fields.String(
        required=True, allow_none=True, metadata=said("null: the key may not see what it is")
    )
    optional = fields.Boolean(required=True, metadata=said("taken along, not waited for"))
    state = fields.String(
        required=True,
        attribute="state.value",
        metadata=said(
            "`checking`, `blocked`: it came, and its gate is not decided or holds it back; `late`: an expectation on "
            "it is not met; `failed`: the newest run that was to bring it failed",
            enum=STANDS,
        ),
    )
    arrived_at = fields.String(
        required=True, allow_none=True, metadata=said("when the last of it was received")
    )
    expected_at = Instant(
        required=True,
        allow_none=True,
        metadata=said("if it has not come: as likely earlier as later; null: nobody can say"),
    )
    expected_from = Instant(required=True, allow_none=True, metadata=said("in nine of ten cases not before"))
    expected_until = Instant(required=True, allow_none=True, metadata=said("in nine of ten cases by then"))
    run = fields.Nested(RunMark, required=True, allow_none=True, metadata=said("the run that failed"))


class Trigger(Schema):
    """A trigger, and how it stands."""

    id = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": STATES})
    mode = fields.String(required=True, metadata=said("of its join"))
    timezone = fields.String(required=True)
    sentence = fields.String(required=True, metadata=said("what it waits for, by the clock of `timezone`"))
    waits_for = fields.List(
        fields.String(allow_none=True),
        required=True,
        metadata=said("ids of the inputs that are missing; null: one that the key may not see"),
    )
    join = fields.Nested(
        Join,
        required=True,
        allow_none=True,
        metadata=said("the open one to look at first: overdue, blocked, held, waiting; null: none is open"),
    )
    evaluation = fields.Nested(
        Evaluation,
        required=True,
        attribute="tree",
        metadata=said("of `join`; of one for which nothing has come, if none is open"),
    )
    joins = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True, metadata=said("how many stand how")
    )
    overdue = fields.Integer(required=True, metadata=said("joins that a deadline has passed"))
    since = Instant(required=True, allow_none=True, metadata=said("when the engine first followed it"))
    paused_at = Instant(required=True, allow_none=True)
    paused_by = fields.String(required=True, allow_none=True)
    paused_reason = fields.String(required=True, allow_none=True)
    broken_at = Instant(
        required=True, allow_none=True, metadata=said("when it fired too often, and was stopped")
    )
    unkeyed = fields.Integer(
        required=True, metadata=said("updates that did not say which partition they wrote")
    )
    unkeyed_at = Instant(required=True, allow_none=True, metadata=said("the last of them"))
    failing_since = Instant(required=True, allow_none=True, metadata=said("its last firings failed"))
    failing = fields.String(required=True, allow_none=True)
    last_firing = fields.Nested(Firing, required=True, allow_none=True)


class TriggerOverview(Trigger):
    """A trigger, and how each of its inputs stands."""

    standings = fields.List(
        fields.Nested(InputStanding), required=True, metadata=said("of the inputs, as the rule has them")
    )


class Triggers(Page):
    """Triggers, by id."""

    items = fields.List(fields.Nested(TriggerOverview), required=True)
    counts = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata=said("of all triggers that the caller may see, by state"),
    )


class TriggerDetail(TriggerOverview):
    """All about one trigger."""

    definition = fields.Dict(
        keys=fields.String(),
        required=True,
        allow_none=True,
        metadata=said("as rule files write it; null for keys of some namespaces"),
    )
    inputs = fields.List(fields.Nested(Input), required=True)
    open_joins = fields.List(
        fields.Nested(Join), required=True, metadata=said("some of those for which something has come")
    )
    firings = fields.List(fields.Nested(Firing), required=True, metadata=said("the newest 10"))


class Missing(Schema):
    """A dataset that is missing, and what goes on upstream of it."""

    input = fields.String(required=True)
    node = fields.String(required=True, metadata=said("as `/lineage` takes it"))
    last_update = fields.Nested(Update, required=True, allow_none=True)
    running = fields.List(
        fields.Nested(RunMark), required=True, metadata=said("runs upstream that have not ended")
    )
    upstream = fields.Nested(
        RootCause, required=True, allow_none=True, metadata=said("null: no event has named it")
    )
    sentence = fields.String(required=True)


class TriggerWhy(Schema):
    """All that there is to say about what a trigger waits for."""

    trigger = fields.Nested(Trigger, required=True)
    sentence = fields.String(required=True, metadata=said("what to know first"))
    joins = fields.List(
        fields.Nested(Join),
        required=True,
        metadata=said("those that are open, the one to look at first first"),
    )
    missing = fields.List(fields.Nested(Missing), required=True, metadata=said("of the first of them"))
    firings = fields.List(fields.Nested(Firing), required=True, metadata=said("the newest 10"))


class RequestBody(Schema):
    """Who asks, and why."""

    by = Text(
        validate=_PERSON, metadata=said("needed where there are no keys; a key's name stands beside it")
    )
    reason = Text(validate=_SOME)
    wait = fields.Float(
        validate=validate.Range(min=0, max=LONGEST_WAIT),
        load_default=WAIT,
        metadata=said("seconds to wait for the engine to do it"),
    )


class PauseBody(RequestBody):
    """Who pauses it, and why."""

    reason = Text(required=True, validate=_SOME)


class FireBody(RequestBody):
    """Which join, who asks, and why."""

    key = Text(
        validate=_KEY,
        metadata=said(
            "a partition, or the tick of an epoch. Not needed if joins have no keys; else it is the last tick, or the "
            "only partition for which something has come, if not given"
        ),
    )


class ResetBody(RequestBody):
    """Which join, who asks, and why."""

    key = Text(validate=_KEY, metadata=said("a partition, or the tick of an epoch; all of them if not given"))


class Asked(Schema):
    """What was asked of a trigger."""

    trigger = fields.String(required=True, attribute="trigger_id")
    kind = fields.String(
        required=True,
        attribute="kind.value",
        metadata={"enum": KINDS},
    )
    key = fields.String(required=True, allow_none=True, metadata=said("of the join; null: all of them"))
    firing = fields.String(
        required=True, allow_none=True, metadata=said("the id of the firing, known before it is one")
    )
    done = fields.Boolean(required=True, metadata=said("false: the engine will do it when it gets to it"))


class PastRequest(Schema):
    """What somebody asked of a trigger."""

    at = Instant(required=True)
    kind = fields.String(required=True, attribute="kind.value", metadata={"enum": KINDS})
    key = fields.String(required=True, allow_none=True, metadata=said("of the join; null: all of them"))
    by = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    firing = fields.String(required=True, allow_none=True, metadata=said("the id of the firing"))
    done = fields.Boolean(required=True, metadata=said("false: the engine will do it when it gets to it"))


class PastRequests(Page):
    """What people asked of a trigger, the newest first."""

    items = fields.List(fields.Nested(PastRequest), required=True)
