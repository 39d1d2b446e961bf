"""The shapes of answers about firings, what they consumed and what they did, and the parameters of questions."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from collector.api.delivery_shapes import STATES as DELIVERY_STATES
from collector.api.delivery_shapes import Tried
from collector.api.fields import Instant, Text
from collector.api.parameters import Paged
from collector.api.shapes import Name, Page, RunMark, said
from collector.storage.firing_reads import STATES
from collector.storage.firings import Progress
from triggers.firings import Cause

CAUSES = [cause.value for cause in Cause]


class FiringsQuery(Paged):
    """Firings."""

    trigger = Text(metadata=said("only of this trigger"))
    state = fields.List(
        Text(validate=validate.OneOf(STATES)),
        metadata=said("only in this state; may come several times"),
    )
    key = Text(metadata=said("only of joins with this key"))
    since = Instant(metadata=said("at this time or later"))
    until = Instant(metadata=said("before this time"))


class Consumed(Schema):
    """An update that has come for an input."""

    update = fields.String(required=True, metadata=said("what makes it this update and no other"))
    dataset = fields.Nested(Name, required=True)
    run_id = fields.String(required=True, allow_none=True)
    job = fields.Nested(
        Name, required=True, allow_none=True, metadata=said("null, as the run, if the key may not see it")
    )
    event_time = fields.String(required=True)
    received_at = fields.String(required=True, metadata=said("what joins go by"))
    nominal_time = fields.String(required=True, allow_none=True)
    partition = fields.String(required=True, allow_none=True)
    version = fields.String(required=True, allow_none=True)
    rows = fields.Integer(required=True, allow_none=True)


class Evaluation(Schema):
    """A condition when it was last looked at: an input, or several parts of which some must hold."""

    met = fields.Boolean(required=True)
    at_least = fields.Integer(metadata=said("of several parts: how many must hold"))
    of = fields.List(fields.Nested(lambda: Evaluation()), metadata=said("the parts"))
    input = fields.String(allow_none=True, metadata=said("its id; null if the key may not see it"))
    hidden = fields.Boolean(metadata=said("true: the key may not see what it is"))
    optional = fields.Boolean(metadata=said("it is taken along, not waited for"))
    updates = fields.Integer(metadata=said("that came and are not consumed"))
    since = fields.String(allow_none=True, metadata=said("when the first of these came"))
    latest = fields.Nested(Consumed, allow_none=True, metadata=said("the last of them"))
    gate = fields.String(allow_none=True, metadata=said("what a gate says of it: `awaited` or `failed`"))
    missing = fields.String(allow_none=True, metadata=said("what is not there"))


class Firing(Schema):
    """A time that a trigger fired: a run of the job of that name in the namespace `tidegate`."""

    id = fields.String(required=True, metadata=said("the id of the run, too"))
    trigger = fields.String(required=True, attribute="trigger_id")
    key = fields.String(required=True, metadata=said("of the join"))
    at = Instant(required=True, metadata=said("when all was there, and nothing held it back any more"))
    decided_at = Instant(required=True)
    cause = fields.String(required=True, metadata={"enum": CAUSES})
    by = fields.String(required=True, allow_none=True, metadata=said("who fired it by hand"))
    reason = fields.String(
        required=True, allow_none=True, metadata=said("why, if they said; null for keys of some namespaces")
    )
    partial_ = fields.Boolean(
        required=True, data_key="partial", attribute="partial", metadata=said("not all was there")
    )
    state = fields.String(required=True, metadata=said("how far it has come", enum=STATES))
    ended_at = Instant(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)


class Firings(Page):
    """Firings, the newest first."""

    items = fields.List(fields.Nested(Firing), required=True)


class FiringInput(Schema):
    """What a firing took of one input."""

    id = fields.String(required=True, allow_none=True, metadata=said("null: the key may not see what it is"))
    hidden = fields.Boolean(
        required=True, dump_default=False, metadata=said("true: the key may not see all of it")
    )
    updates = fields.List(
        fields.Nested(Consumed), required=True, metadata=said("since the firing before, as they came")
    )


class ActionDelivery(Schema):
    """The way of an action to its target; `/deliveries/{id}` has all of it."""

    id = fields.Integer(required=True)
    state = fields.String(required=True, metadata={"enum": DELIVERY_STATES})
    attempts = fields.Integer(required=True)
    queued_at = Instant(required=True)
    next_at = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)


class Action(Schema):
    """Something that a firing does, and what became of it."""

    id = fields.String(required=True)
    target = fields.String(required=True)
    starts = fields.Boolean(required=True, metadata=said("a run follows"))
    state = fields.String(
        required=True,
        metadata=said(
            "`waiting`: for another action; `dead`: it could not be sent; `left_out`: what it waited for did not come "
            "about",
            enum=[each.value for each in Progress],
        ),
    )
    handle = fields.Dict(
        keys=fields.String(),
        required=True,
        allow_none=True,
        metadata=said("what the target calls the run: `run_id`, `external_id`, `url`, as far as it said so"),
    )
    url = fields.String(required=True, allow_none=True, metadata=said("where people see what it started"))
    run = fields.Nested(
        RunMark, required=True, allow_none=True, metadata=said("the run that was recognised as started by it")
    )
    started_at = Instant(required=True, allow_none=True)
    running_at = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    body = fields.Raw(
        required=True,
        metadata=said("what is sent; null for keys of some namespaces", type=["object", "null"]),
    )
    delivery = fields.Nested(
        ActionDelivery,
        required=True,
        allow_none=True,
        metadata=said("null: its turn has not come, it is forgotten, or the key is of some namespaces"),
    )
    tried = fields.List(fields.Nested(Tried), required=True, metadata=said("the attempts, in order"))


class FiringDetail(Firing):
    """All about one firing."""

    inputs = fields.List(fields.Nested(FiringInput), required=True)
    evaluation = fields.Nested(
        Evaluation, required=True, allow_none=True, metadata=said("that it followed from")
    )
    chain = fields.List(
        fields.String(),
        required=True,
        metadata=said(
            "the triggers whose firings led to it, itself the last; for keys of some namespaces only itself"
        ),
    )
    actions = fields.List(fields.Nested(Action), required=True)
