"""The shapes of answers to questions to the graph."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from collector.api.fields import Instant
from collector.api.shapes import Page, RunMark, Update, said
from lineage.causes import Fault
from lineage.impact import Affected


def bounded_by(text: str) -> fields.Boolean:
    """Make the field that says that there is more."""
    return fields.Boolean(required=True, metadata=said(text))


def node_id(text: str, **more: Any) -> fields.String:
    """Make the field for a node, as ``/lineage`` takes it."""
    return fields.String(required=True, metadata=said(text), **more)


class GraphNode(Schema):
    """A job or dataset."""

    id = node_id("`dataset:NS:NAME` or `job:NS:NAME`")
    type = fields.String(required=True, metadata={"enum": ["job", "dataset"]})
    namespace = fields.String(required=True)
    name = fields.String(required=True)


class Step(Schema):
    """From one node to the next, the way the data flow."""

    from_ = node_id("where the data come from", data_key="from", attribute="source")
    to = node_id("where they go", attribute="target")
    kind = fields.String(required=True, metadata={"enum": ["data", "control"]})
    via = fields.List(fields.String(), required=True, metadata=said("jobs in between, at level `dataset`"))


def change_word() -> fields.String:
    """Make the field for what happened."""
    return fields.String(required=True, metadata={"enum": ["came", "went"]})


class EdgeDifference(Schema):
    """An edge that is at one of the two times only."""

    change = change_word()
    from_ = node_id("where the data come from", data_key="from", attribute="source")
    to = node_id("where they go", attribute="target")
    kind = fields.String(required=True, metadata={"enum": ["data", "control"]})
    at = Instant(required=True, metadata=said("when it came or went, the last time in between"))
    run = fields.Nested(
        RunMark, required=True, allow_none=True, metadata=said("that did it; null: no run but a declaration")
    )


class NodeDifference(GraphNode):
    """An end of these edges that has no edge at the other of the two times."""

    change = change_word()


class Difference(Page):
    """What came and went, in the order of time. A page may have few edges, or none, although more follow."""

    from_ = Instant(required=True, data_key="from")
    to = Instant(required=True)
    edges = fields.List(fields.Nested(EdgeDifference), required=True)
    nodes = fields.List(
        fields.Nested(NodeDifference), required=True, metadata=said("may come again on a later page")
    )
    truncated = bounded_by("the part of the graph around `node` was larger than `max_nodes` of the settings")


class Side(Schema):
    """What lies on one side of a node."""

    direct = fields.Integer(required=True, metadata=said("nodes that are one edge away"))
    nodes = fields.Integer(required=True, metadata=said("all of them"))
    jobs = fields.Integer(required=True)
    datasets = fields.Integer(required=True)
    depth = fields.Integer(required=True, metadata=said("edges to the furthest"))
    truncated = bounded_by("there are more, within the depth, than `max_nodes`")


class Extent(Schema):
    """How much lies around a node."""

    node = node_id("what was asked about")
    upstream = fields.Nested(Side, required=True)
    downstream = fields.Nested(Side, required=True)


class Turn(Schema):
    """An instant at which edges came or went."""

    at = Instant(required=True)
    came = fields.Integer(required=True, metadata=said("edges"))
    went = fields.Integer(required=True, metadata=said("edges"))


class Moments(Schema):
    """When a part of the graph has changed, the newest first."""

    items = fields.List(fields.Nested(Turn), required=True)
    truncated = bounded_by(
        "there may be earlier ones, or the neighbourhood was larger than what was looked at"
    )


class Hub(Schema):
    """A dataset that many jobs read."""

    namespace = fields.String(required=True)
    name = fields.String(required=True)
    readers = fields.Integer(required=True, metadata=said("jobs that read it, under any of its names"))


class Hubs(Schema):
    """Datasets, the one with most readers first."""

    items = fields.List(fields.Nested(Hub), required=True)


class Owner(Schema):
    """Who answers for a job or dataset."""

    name = fields.String(required=True)
    type = fields.String(required=True, allow_none=True)


class RunTimes(RunMark):
    """A run and when it was."""

    started_at = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)


class Consumer(GraphNode):
    """A job or dataset downstream."""

    names = fields.List(fields.String(), required=True, metadata=said("the other names of a dataset"))
    depth = fields.Integer(required=True, metadata=said("edges between"))
    owners = fields.List(fields.Nested(Owner), required=True)
    tool = fields.String(
        required=True, allow_none=True, metadata=said("of a job: `SPARK`, `DBT`, …; null: not said")
    )
    last_update = fields.Nested(Update, required=True, allow_none=True, metadata=said("of a dataset"))
    last_run = fields.Nested(RunTimes, required=True, allow_none=True, metadata=said("of a job"))
    affected = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "enum": [*(word.value for word in Affected), None],
            "description": "null: no column was asked about",
        },
    )
    why = fields.String(
        required=True, allow_none=True, metadata=said("why it is thought to be affected, or not")
    )


class Impact(Page):
    """All that lies downstream, the nearest first. A page may have fewer items although more follow."""

    node = node_id("what was asked about")
    items = fields.List(fields.Nested(Consumer), required=True)
    truncated = bounded_by("more follow")


class Cause(Schema):
    """Something wrong upstream, or with the node itself."""

    fault = fields.String(required=True, metadata={"enum": [fault.value for fault in Fault]})
    node = node_id("with what something is wrong")
    at = Instant(required=True, allow_none=True, metadata=said("when it went wrong, or since when it waits"))
    why = fields.String(required=True, metadata=said("a sentence"))
    about = fields.List(fields.String(), required=True, metadata=said("datasets not read, or not written"))
    path = fields.List(
        fields.String(),
        required=True,
        metadata=said("nodes from it to the bad one; empty if not all can be seen"),
    )
    depth = fields.Integer(required=True, metadata=said("edges between"))
    follows = fields.List(
        fields.String(),
        required=True,
        metadata=said("the nearest nodes upstream with faults of which this may be a consequence"),
    )


class RootCause(Schema):
    """What may be the cause, the likeliest first."""

    node = node_id("what is bad")
    explanation = fields.String(required=True, metadata=said("in a sentence; also that nothing explains it"))
    causes = fields.List(fields.Nested(Cause), required=True)
    jobs = fields.Integer(required=True, metadata=said("jobs looked at"))
    datasets = fields.Integer(required=True, metadata=said("datasets looked at"))
    truncated = bounded_by("there are more causes than `limit`, or more upstream than was looked at")


class Path(Schema):
    """A way from one node to another."""

    nodes = fields.List(fields.String(), required=True, metadata=said("in the order of the way"))
    length = fields.Integer(required=True, metadata=said("edges"))
    steps = fields.List(
        fields.Nested(Step),
        required=True,
        metadata=said(
            "one between each two nodes; `from` and `to` the way data flow, be that against the path"
        ),
    )


class Paths(Schema):
    """Ways from one node to another, the shortest first."""

    from_ = node_id("where they begin", data_key="from", attribute="source")
    to = node_id("where they end", attribute="target")
    paths = fields.List(fields.Nested(Path), required=True)
    truncated = bounded_by("there may be more")


class SinglePoint(GraphNode):
    """A node through which others have to go."""

    depth = fields.Integer(required=True, metadata=said("edges between it and the node asked about"))
    cut_off = fields.Integer(required=True, metadata=said("nodes that would be cut off without it"))
    everything = fields.Boolean(
        required=True,
        metadata=said("it is on every way between the node and all of its sources, or consumers"),
    )


class SinglePoints(Schema):
    """Single points of failure, the gravest first."""

    node = node_id("what was asked about")
    items = fields.List(fields.Nested(SinglePoint), required=True)
    reached = fields.Integer(required=True, metadata=said("nodes looked at"))
    truncated = bounded_by("there are more than `limit`, or more nodes than were looked at")


class Cycle(Schema):
    """Datasets each of which is made, in the end, of every other."""

    size = fields.Integer(required=True, metadata=said("datasets"))
    datasets = fields.List(fields.String(), required=True, metadata=said("at most 1,000"))
    example = fields.Nested(Path, required=True, metadata=said("a shortest way from one of them back to it"))


class Cycles(Schema):
    """Cycles, the largest first. A dataset that is made of itself alone makes none."""

    cycles = fields.List(fields.Nested(Cycle), required=True)
    edges = fields.Integer(required=True, metadata=said("edges looked at"))
    truncated = bounded_by("there are more than `limit`, or more edges than were looked at")


class Orphan(GraphNode):
    """A dataset with one side only."""

    names = fields.List(fields.String(), required=True, metadata=said("its other names"))


class Orphans(Page):
    """Datasets that are read but never written, or written but never read."""

    items = fields.List(fields.Nested(Orphan), required=True)


class NodeChange(Schema):
    """Something is not as it was."""

    at = Instant(required=True)
    kind = fields.String(required=True, metadata={"enum": ["edge", "schema", "code", "run"]})
    node = node_id("what it is about; of an edge, the job, or else the dataset that data flow into")
    what = fields.String(required=True, metadata=said("what has changed, in words"))
    run = fields.Nested(
        RunMark,
        required=True,
        allow_none=True,
        metadata=said("that opened or closed the edge; the job's newest"),
    )


class Changes(Page):
    """What has changed upstream, the newest first."""

    node = node_id("what was asked about")
    items = fields.List(fields.Nested(NodeChange), required=True)
    truncated = bounded_by("not all of the graph, or of its changes, was looked at")
