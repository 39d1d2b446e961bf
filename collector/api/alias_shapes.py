"""Documents of alias rules, and what is answered about them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from collector.api.fields import Text
from collector.api.shapes import Name, said
from lineage.identity import FORMS, RuleError, rule_of

MOST_RULES = 10_000

_SOME = validate.Length(min=1, max=2000)


class NoQuery(Schema):
    """No parameters: any is an error."""


class ExactRule(Schema):
    """One name is another."""

    namespace = Text(required=True, validate=_SOME)
    name = Text(required=True, validate=_SOME)
    to_namespace = Text(required=True, validate=_SOME)
    to_name = Text(required=True, validate=_SOME)


class PrefixRule(Schema):
    """Names of one namespace that begin alike are in another, where they begin otherwise."""

    namespace = Text(required=True, validate=_SOME)
    name = Text(validate=validate.Length(max=2000), metadata=said("how the names begin; empty: all"))
    to_namespace = Text(required=True, validate=_SOME)
    to_name = Text(validate=validate.Length(max=2000), metadata=said("how they begin there"))


class RegexRule(Schema):
    r"""Names that two regular expressions match in full are what two templates make of them."""

    namespace = Text(required=True, validate=_SOME)
    name = Text(required=True, validate=_SOME)
    to_namespace = Text(required=True, validate=_SOME, metadata=said(r"with `\1` or `\g<word>`"))
    to_name = Text(required=True, validate=_SOME, metadata=said(r"with `\1` or `\g<word>`"))


class HostRule(Schema):
    """Some hosts are another."""

    names = fields.List(
        Text(validate=_SOME),
        required=True,
        validate=validate.Length(min=1, max=1000),
        metadata=said("with a port: only at that port"),
    )
    to = Text(required=True, validate=_SOME, metadata=said("may have a port if all the names have one"))


class AliasRule(Schema):
    """A rule by which names are one dataset: one of the four forms."""

    exact = fields.Nested(ExactRule)
    prefix = fields.Nested(PrefixRule)
    regex = fields.Nested(RegexRule)
    host = fields.Nested(HostRule)
    reason = Text(validate=validate.Length(max=2000), metadata=said("for people"))

    @validates_schema
    def is_one_rule(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Each rule has one form, and means something."""
        found = [form for form in FORMS if form in data]
        if len(found) != 1:
            raise ValidationError(f"One of {', '.join(FORMS)} is needed, and only one.")
        try:
            rule_of(data)
        except RuleError as error:
            raise ValidationError({found[0]: {error.field: [str(error)]}}) from error


class AliasDocument(Schema):
    """Rules by which names are one dataset."""

    version = fields.Integer(required=True, strict=True, validate=validate.OneOf([1]))
    rules = fields.List(fields.Nested(AliasRule), required=True, validate=validate.Length(max=MOST_RULES))


class RuleState(Schema):
    """How far the catalog follows the rules."""

    revision = fields.Integer(required=True, metadata=said("how often the rules have been changed"))
    applied = fields.Boolean(required=True, metadata=said("false: the catalog is about to follow"))


class AliasRules(RuleState):
    """The rules, and how far the catalog follows them."""

    version = fields.Integer(required=True)
    rules = fields.List(fields.Nested(AliasRule), required=True)


class Matched(Schema):
    """A rule, and how many names it is about."""

    rule = fields.String(required=True)
    names = fields.Integer(required=True, metadata=said("of datasets that have been seen"))


class SetChange(Schema):
    """Datasets that become one, or one that becomes several."""

    dataset = fields.Nested(Name, required=True, metadata=said("the one"))
    others = fields.List(fields.Nested(Name), required=True, metadata=said("the several, at most 20"))
    count = fields.Integer(required=True, metadata=said("how many they are"))


class AliasPlan(Schema):
    """What rules would change."""

    matched = fields.List(fields.Nested(Matched), required=True)
    merges = fields.List(fields.Nested(SetChange), required=True, metadata=said("at most 100"))
    merge_count = fields.Integer(required=True)
    splits = fields.List(fields.Nested(SetChange), required=True, metadata=said("at most 100"))
    split_count = fields.Integer(required=True)
