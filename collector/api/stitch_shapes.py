"""Suggestions of names that are one dataset, and what is said about them."""

from __future__ import annotations

from marshmallow import Schema, fields

from collector.api.alias_shapes import AliasRule, RuleState
from collector.api.parameters import NameQuery
from collector.api.shapes import Name, said
from lineage.stitch import Kind


class Evidence(Schema):
    """One reason for a suggestion, or a doubt."""

    kind = fields.String(required=True, metadata=said("what it is about", enum=[kind.value for kind in Kind]))
    words = fields.String(required=True)
    weight = fields.Float(required=True, metadata=said("points; less than 0: a doubt"))


class NameFacts(Schema):
    """What is known of a name besides the name."""

    columns = fields.Integer(required=True, metadata=said("how many columns are known"))
    own = fields.List(
        fields.String(), required=True, metadata=said("some of those that only this one has, at most 12")
    )
    writers = fields.Integer(required=True, metadata=said("jobs that have ever written it under this name"))
    readers = fields.Integer(required=True)
    sources = fields.List(fields.String(), required=True, metadata=said("addresses of its `dataSource`"))


class PairFacts(Schema):
    """What is known of two names, side by side."""

    one = fields.Nested(NameFacts, required=True)
    other = fields.Nested(NameFacts, required=True)
    shared = fields.List(
        fields.String(), required=True, metadata=said("some of the columns that both have, at most 12")
    )
    shared_columns = fields.Integer(required=True, metadata=said("how many both have"))


class Suggestion(Schema):
    """Two names that are probably one dataset."""

    rank = fields.Integer(required=True, metadata=said("1 is the best"))
    one = fields.Nested(Name, required=True)
    other = fields.Nested(Name, required=True)
    confidence = fields.Float(
        required=True, metadata=said("between 0 and 1, for comparison; not a probability")
    )
    evidence = fields.List(fields.Nested(Evidence), required=True, metadata=said("the weightiest first"))
    rules = fields.List(
        fields.Nested(AliasRule), required=True, metadata=said("what would join them; mostly one")
    )
    joins = fields.Integer(required=True, metadata=said("suggestions that these rules account for"))
    facts = fields.Nested(PairFacts, metadata=said("not told by the command line"))


class Suggestions(Schema):
    """The best suggestions."""

    items = fields.List(fields.Nested(Suggestion), required=True)
    total = fields.Integer(required=True, metadata=said("how many there are"))
    truncated = fields.Boolean(
        required=True, metadata=said("not all names were compared; there are too many")
    )


class PairBody(Schema):
    """Two names, in any order."""

    one = fields.Nested(NameQuery, required=True)
    other = fields.Nested(NameQuery, required=True)


class AcceptBody(PairBody):
    """A suggestion to accept."""

    exact = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata=said("join these two names only, and not all that the suggested rules account for"),
    )


class Accepted(RuleState):
    """The rules that were added, and how far the catalog follows."""

    rules = fields.List(fields.Nested(AliasRule), required=True)


class Dismissed(PairBody):
    """Two names that will not be suggested again."""
