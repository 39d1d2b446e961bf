"""The parameters of questions to the graph."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from collector.api.fields import Instant, Text, Whole
from collector.api.parameters import (
    COLUMN_NODE,
    Limited,
    Paged,
    depth_field,
    fold_field,
    level_field,
    node_field,
)
from collector.api.shapes import said
from lineage.traverse import Way

COLUMN_HELP: Final = "Write dataset:NAMESPACE:NAME, job:NAMESPACE:NAME or column:NAMESPACE:NAME:FIELD."

MOST_PATHS: Final = 50
DEFAULT_PATHS: Final = 10
"""Each further path takes a search of its own."""

MOST_EDGES: Final = 1_000_000
DEFAULT_EDGES: Final = 100_000
"""A hundred thousand edges take a second and 100 MB to look for cycles in."""


class Folded(Schema):
    """A question to the graph."""

    fold = fold_field()


class DiffQuery(Folded, Paged):
    """Two instants, and which part of the graph."""

    from_ = Instant(required=True, data_key="from", metadata=said("compare with what there was at this time"))
    to = Instant(metadata=said("what there was at this time; now if not given"))
    node = node_field(
        "only around `dataset:NAMESPACE:NAME` or `job:NAMESPACE:NAME`, as it was at either time"
    )
    direction = Text(
        validate=validate.OneOf([way.value for way in Way]),
        load_default="both",
        metadata=said("with `node`: what it is made from, what is made from it, or both"),
    )
    depth = depth_field("with `node`: edges to follow, each way")
    control = fields.Boolean(
        truthy={"true"},
        falsy={"false"},
        load_default=False,
        metadata=said("also what runs after what without passing data"),
    )

    @validates_schema
    def in_order(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Time runs one way."""
        if "to" in data and data["to"] < data["from_"]:
            raise ValidationError("Must not be before from.", "to")


class ImpactQuery(Folded, Paged):
    """What changes."""

    node = Text(
        required=True,
        validate=validate.Regexp(COLUMN_NODE, error=COLUMN_HELP),
        metadata=said("`dataset:NS:NAME`, `job:NS:NAME`, or `column:NS:NAME:FIELD` to learn who is affected"),
    )
    depth = depth_field()
    level = level_field()


class RootCauseQuery(Folded, Limited):
    """What is bad."""

    node = node_field("the dataset or job that is bad", required=True)
    depth = depth_field("edges to follow upstream")


class PathsQuery(Folded):
    """From where to where."""

    from_ = node_field("where the paths begin", required=True, data_key="from")
    to = node_field("where they end", required=True)
    depth = depth_field("edges of the longest path")
    level = level_field()
    undirected = fields.Boolean(
        truthy={"true"},
        falsy={"false"},
        load_default=False,
        metadata=said("also against the flow of data: what both are made from, what is made from both"),
    )
    max_paths = Whole(
        validate=validate.Range(min=1, max=MOST_PATHS),
        load_default=DEFAULT_PATHS,
        metadata=said("paths to answer, the shortest first"),
    )


class SpofQuery(Folded, Limited):
    """Between a node and what."""

    node = node_field("the node that depends on others, or on which others depend", required=True)
    direction = Text(
        validate=validate.OneOf([Way.UPSTREAM.value, Way.DOWNSTREAM.value]),
        load_default="upstream",
        metadata=said("between its sources and it, or between it and its final consumers"),
    )
    depth = depth_field()
    level = level_field()


class CyclesQuery(Limited):
    """Where to look for cycles."""

    node = node_field("only upstream and downstream of this; of the whole graph if not given")
    depth = depth_field("with `node`: edges to follow, each way")
    max_edges = Whole(
        validate=validate.Range(min=1, max=MOST_EDGES),
        load_default=DEFAULT_EDGES,
        metadata=said("without `node`: edges to look at"),
    )


class OrphansQuery(Paged):
    """Which side is missing."""

    lack = Text(
        validate=validate.OneOf(["never_written", "never_read"]),
        required=True,
        metadata=said(
            "`never_written`: read now, and written by no job ever; `never_read`: the other way round"
        ),
    )
    namespace = Text(metadata=said("only of this namespace"))


class ChangesQuery(Folded, Paged):
    """What to look at, and since when."""

    node = node_field("the node upstream of which to look", required=True)
    since = Instant(required=True, metadata=said("what has changed after this time"))
    depth = depth_field("edges to follow upstream")
