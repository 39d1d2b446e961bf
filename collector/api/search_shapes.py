"""What searches take and find."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from collector.api.fields import Text
from collector.api.parameters import Limited
from collector.api.shapes import said
from collector.questions.search import KINDS
from collector.storage.name_search import Match


class SearchQuery(Limited):
    """What to look for; at most ``limit`` of each type are answered."""

    q = Text(
        required=True,
        validate=validate.Length(min=1),
        metadata=said("a part of the name, an id, or an address: `s3://bucket/key`, `dataset:NS:NAME`"),
    )
    types = fields.List(
        Text(validate=validate.OneOf(KINDS)),
        load_default=["dataset", "job"],
        metadata=said("what to look for; jobs and datasets if not given"),
    )


class Hit(Schema):
    """Something that a search found."""

    type = fields.String(required=True, metadata={"enum": list(KINDS)})
    id = fields.String(
        required=True, metadata=said("as its own operation takes it; of jobs and datasets `dataset:NS:NAME`")
    )
    namespace = fields.String(
        required=True,
        allow_none=True,
        metadata=said("of a run that of its job, of an alert that of its subject"),
    )
    name = fields.String(
        required=True, metadata=said("of a run that of its job, of an alert that of its subject")
    )
    match = fields.Function(
        lambda hit: hit.match.name.lower(),
        required=True,
        metadata=said(
            "`last`: its last part is the text, as `orders` of `shop.public.orders`; `begins`: it begins so, or "
            "its last part does",
            type="string",
            enum=[match.name.lower() for match in Match],
        ),
    )
    words = fields.String(
        required=True, allow_none=True, metadata=said("what an alert says; the state of a run")
    )


class Found(Schema):
    """What a search found, the best first."""

    items = fields.List(fields.Nested(Hit), required=True)
    complete = fields.Boolean(
        required=True, metadata=said("false: there are more names than were looked into")
    )
