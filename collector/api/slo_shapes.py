"""The shape of the account of deadlines, and the parameters of questions about it."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from collector.api import cursors
from collector.api.fields import Instant, Text
from collector.api.parameters import Paged
from collector.api.shapes import Page, said
from collector.questions.slo import Account, Asked, Group, Line, Period


class SloQuery(Paged):
    """Which deadlines to count, and by what."""

    group = Text(
        validate=validate.OneOf([group.value for group in Group]),
        load_default=Group.DATASET.value,
        metadata=said("what to count together; a dataset of several owners counts for each of them"),
    )
    period = Text(
        validate=validate.OneOf([period.value for period in Period]),
        metadata=said("deadlines of this day, week, month or quarter (UTC), up to now"),
    )
    since = Instant(
        metadata=said(
            "deadlines at this time or later; if neither this nor `period` is given: of the period of each objective, "
            "or of thirty days"
        )
    )
    until = Instant(metadata=said("deadlines before this time; now if not given"))
    namespace = Text(metadata=said("only of datasets of this namespace"))
    expectation = Text(metadata=said("only of this expectation"))

    @validates_schema
    def one_span(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """A period says itself from when until when."""
        for name in ("since", "until"):
            if "period" in data and name in data:
                raise ValidationError("Cannot be given together with period.", name)
        if "since" in data and "until" in data and data["until"] < data["since"]:
            raise ValidationError("Must not be before since.", "until")


class Burn(Schema):
    """How many deadlines may be missed, of those that have an objective."""

    allowed = fields.Float(required=True, metadata=said("deadlines that may be missed, of those there were"))
    missed = fields.Integer(required=True, metadata=said("deadlines that were missed"))
    left = fields.Float(required=True, metadata=said("below zero where too many were missed"))
    left_share = fields.Float(
        required=True, allow_none=True, metadata=said("the part that is left; null: nothing was allowed")
    )
    burned = fields.Float(
        required=True, allow_none=True, metadata=said("the part that is used; null: nothing was allowed")
    )


class Budget(Burn):
    """How many deadlines may be missed, and since when no more may."""

    exhausted_at = Instant(
        required=True,
        allow_none=True,
        metadata=said("since when nothing is left: the deadline that was missed; null: something is left"),
    )


class Share(Schema):
    """What became of some deadlines."""

    since = Instant(required=True, metadata=said("from when on deadlines were counted"))
    deadlines = fields.Integer(required=True, metadata=said("those that count"))
    met = fields.Integer(required=True)
    excluded = fields.Integer(required=True, metadata=said("those that windows take out of the account"))
    share = fields.Float(
        required=True, allow_none=True, metadata=said("the share that was met; null: there were none")
    )
    objective = fields.Float(
        required=True, allow_none=True, metadata=said("the share to be met, if it is one for all of them")
    )
    budget = fields.Nested(
        Burn, required=True, allow_none=True, metadata=said("null: nothing here has an objective")
    )


class SloLine(Share):
    """What became of the deadlines of one group."""

    who = fields.String(
        required=True,
        allow_none=True,
        metadata=said("an owner, a tag, an expectation, or `dataset:NS:NAME`; null: no owner, or no tag"),
    )
    budget = fields.Nested(
        Budget, required=True, allow_none=True, metadata=said("null: nothing here has an objective")
    )


class Slo(Page):
    """The account of deadlines, the smallest share first."""

    group = fields.String(required=True, metadata={"enum": [group.value for group in Group]})
    until = Instant(required=True, metadata=said("deadlines before this time were counted"))
    items = fields.List(fields.Nested(SloLine), required=True)


def asked_of(query: dict[str, Any], now: int) -> Asked:
    """Give what ``SloQuery`` asks for at ``now`` (µs UTC)."""
    since = Period(query["period"]).start(now) if "period" in query else query.get("since")
    return Asked(
        Group(query["group"]),
        since,
        query.get("until", now if since is None else max(now, since)),
        query.get("namespace"),
        query.get("expectation"),
    )


def document(asked: Asked, found: Account) -> dict[str, Any]:
    """Give an account as ``Slo`` writes it."""
    items: list[Line] = found.lines
    after = None if found.next is None else cursors.encode((found.next,))
    return {"group": asked.group.value, "until": found.until, "items": items, "next_cursor": after}
