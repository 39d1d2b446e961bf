"""Rule files, version 1, and what is answered about the rules."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from collector.api import rule_templates
from collector.api.alerting_shapes import Alerting, WindowRule
from collector.api.expectation_shapes import ExpectationRule
from collector.api.fields import Text
from collector.api.rule_fields import MANY, SHORT, ByKind, Keyed, Part, Various, id_field, text
from collector.api.shapes import said
from collector.api.target_shapes import TARGETS, own_kinds
from collector.api.trigger_rule_shapes import TriggerRule
from triggers.errors import Step
from triggers.rule_files import VERSION, rows_of

MOST_RULES = 100_000

DAY = {"pattern": r"^\d{4}-\d\d-\d\d$", "examples": ["2026-12-24"]}


class Holidays(Part):
    """The public holidays of a country, or of a market."""

    country = text("ISO 3166", examples=["DE"])
    subdivision = text("of the country", examples=["BE"])
    market = text("ISO 10383", examples=["XECB", "XNYS"])


class Days(Part):
    """Some days, the first and the last included."""

    from_ = text("", data_key="from", attribute="from", required=True, **DAY)
    to = text("", required=True, **DAY)


def days(said_: str) -> fields.List[Any]:
    """Make a field for days of a calendar."""
    item = Various({str: text("", **DAY), dict: fields.Nested(Days)})
    return fields.List(item, validate=MANY, metadata=said(said_))


class Calendar(Part):
    """Which days are working days. An explicit one wins over an explicit day off, that over weekend and holidays."""

    weekend = fields.List(
        Text(validate=SHORT), metadata=said("", default=["sat", "sun"], examples=[["fri", "sat"]])
    )
    holidays = fields.List(fields.Nested(Holidays), validate=MANY)
    non_working = days("off as well")
    working = days("working days in any case")
    valid_until = text("nothing is known of later days, and what is due then is not judged", **DAY)


class RuleFile(Part):
    """One of several files of rules."""

    version = fields.Integer(required=True, strict=True, validate=validate.OneOf([VERSION]))
    timezone = text("of all times in the file", default="UTC", examples=["Europe/Berlin"])
    calendars = Keyed(keys=id_field(), values=fields.Nested(Calendar), validate=MANY)
    targets = Keyed(
        keys=id_field(),
        values=ByKind(TARGETS, own_kinds),
        validate=MANY,
        metadata=said("where messages go, and where work is started"),
    )
    expectations = fields.List(fields.Nested(ExpectationRule), validate=validate.Length(max=MOST_RULES))
    triggers = fields.List(fields.Nested(TriggerRule), validate=validate.Length(max=MOST_RULES))
    windows = fields.List(fields.Nested(WindowRule), validate=MANY, metadata=said("planned work"))
    alerting = fields.Nested(Alerting, metadata=said("in one file only"))


class RuleDocument(RuleFile):
    """What is expected of datasets, who hears of it when it is not so, when nobody does, and what data start."""

    @validates_schema
    def means_something(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Rules that contradict themselves, or each other, are errors where they do."""
        wrong: dict[Any, Any] = {}
        found = [(fault.place.path, fault.reason) for fault in rows_of([data])[1]]
        for path, reason in (*found, *rule_templates.faults(data)):
            put(wrong, path, sentence(reason))
        if wrong:
            raise ValidationError(wrong)


class RulesState(Schema):
    """How far the engine follows the rules."""

    revision = fields.Integer(required=True, metadata=said("how often the rules have been changed"))
    applied = fields.Boolean(required=True, metadata=said("false: the engine is about to follow"))
    folder = fields.String(
        required=True, allow_none=True, metadata=said("the rules are those of this folder of the server")
    )


class RulesInForce(RulesState, RuleFile):
    """The rules, and how far the engine follows them."""


def put(messages: dict[Any, Any], path: tuple[Step, ...], reason: str) -> None:
    """Put an error where it belongs among others, as the library has them."""
    *steps, last = path or ("_schema",)
    for step in steps:
        inner = messages.setdefault(step, {})
        if not isinstance(inner, dict):
            # What is wrong with the whole of a part stands beside what is wrong in it.
            inner = messages[step] = {"_schema": inner}
        messages = inner
    found = messages.setdefault(last, [])
    (found.setdefault("_schema", []) if isinstance(found, dict) else found).append(reason)


def sentence(reason: str) -> str:
    """Write a reason as errors have them."""
    return f"{reason[:1].upper()}{reason[1:]}{'' if reason.endswith('.') else '.'}"
