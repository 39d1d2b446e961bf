"""The shapes of answers about the log, and of lineage."""

from __future__ import annotations

from marshmallow import Schema, fields

from collector.api.column_lineage import ColumnEdgePart, ColumnPart
from collector.api.fields import Instant
from collector.api.node_states import StatePart
from collector.api.run_lineage import RunEdgePart, RunPart
from collector.api.shapes import FieldProblem, Name, Page, said


class Event(Schema):
    """An event of the log."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, metadata={"enum": ["run", "job", "dataset"]})
    event_type = fields.String(required=True, allow_none=True)
    event_time = Instant(required=True)
    received_at = Instant(required=True)
    size = fields.Integer(required=True, metadata=said("bytes of the JSON as sent"))
    warnings = fields.List(fields.String(), required=True)
    state = fields.String(
        required=True,
        metadata=said(
            "`waiting`: not in the catalog yet; `parked`: it could not be read",
            enum=["projected", "waiting", "parked"],
        ),
    )
    run_id = fields.String(required=True, allow_none=True, metadata=said("as the catalog knows it"))
    job = fields.Nested(Name, required=True, allow_none=True)
    dataset = fields.Nested(Name, required=True, allow_none=True, metadata=said("of a DatasetEvent"))
    event = fields.Raw(metadata=said("the event as sent; left out with `body=false`"))


class EventDetail(Event):
    """An event, and what it names."""

    producer = fields.String(required=True, allow_none=True)
    schema_url = fields.String(required=True, allow_none=True)
    inputs = fields.List(fields.Nested(Name), required=True, metadata=said("at most 200"))
    outputs = fields.List(fields.Nested(Name), required=True, metadata=said("at most 200"))
    error = fields.String(required=True, allow_none=True, metadata=said("why it is parked"))


class Events(Page):
    """Events. A page may have fewer than `limit` although more follow."""

    items = fields.List(fields.Nested(Event), required=True)


class Parked(Schema):
    """An event that is in the log and could not be read into the catalog."""

    event_id = fields.Integer(required=True)
    error = fields.String(required=True)
    parked_at = Instant(required=True)
    kind = fields.String(required=True)
    event_type = fields.String(required=True, allow_none=True)
    event_time = Instant(required=True)
    received_at = Instant(required=True)
    size = fields.Integer(required=True)


class ParkedEvents(Page):
    """Parked events."""

    items = fields.List(fields.Nested(Parked), required=True)
    total = fields.Integer(required=True, metadata=said("how many there are"))


class Defect(FieldProblem):
    """One thing wrong at one place of a refused body, and how to mend it."""

    hint = fields.String(required=True, metadata=said("what to do about the emitter"))


class Origin(Schema):
    """Where a refused body says that it comes from; null where it does not."""

    producer = fields.String(required=True, allow_none=True)
    job_namespace = fields.String(required=True, allow_none=True)
    job_name = fields.String(required=True, allow_none=True)
    run_id = fields.String(required=True, allow_none=True)


class Rejection(Schema):
    """Something that was sent as an event, refused, and kept."""

    id = fields.Integer(required=True)
    received_at = Instant(required=True, metadata=said("the first time"))
    last_received_at = Instant(required=True)
    count = fields.Integer(required=True, metadata=said("times that it was sent"))
    errors = fields.List(fields.Nested(Defect), required=True)
    origin = fields.Nested(
        Origin, required=True, metadata=said("not looked for in a body of more than 256 KiB")
    )
    size = fields.Integer(required=True, metadata=said("bytes"))


class RejectionDetail(Rejection):
    """A refused body."""

    body = fields.String(required=True, metadata=said("as text; bytes that are not UTF-8 are replaced"))


class Rejections(Page):
    """What was refused."""

    items = fields.List(fields.Nested(Rejection), required=True)
    total = fields.Integer(required=True, metadata=said("how many there are"))


class StillRefused(Schema):
    """A body that is refused again, and why."""

    id = fields.Integer(required=True)
    errors = fields.List(fields.Nested(FieldProblem), required=True)


class Reprocessed(Schema):
    """What became of refused bodies."""

    accepted = fields.Integer(required=True, metadata=said("events that are in the log now"))
    duplicates = fields.Integer(required=True, metadata=said("events that had come in another way meanwhile"))
    refused = fields.List(fields.Nested(StillRefused), required=True)


class Requeued(Schema):
    """How many events the projector will try again."""

    requeued = fields.Integer(required=True)


class LineageNode(Name, ColumnPart, StatePart, RunPart):
    """A node, and how many edges it is away."""

    id = fields.String(required=True, metadata=said("as `node` takes it: `dataset:NS:NAME`"))
    type = fields.String(required=True, metadata={"enum": ["job", "dataset", "column", "run"]})
    depth = fields.Integer(required=True)
    names = fields.List(
        fields.String(), required=True, metadata=said("the other names of a dataset, written like `id`")
    )


class LineageEdge(ColumnEdgePart, RunEdgePart):
    """Data flow from one node to the other, or one job runs after the other."""

    from_ = fields.String(required=True, data_key="from", attribute="source")
    to = fields.String(required=True, attribute="target")
    kind = fields.String(
        required=True,
        metadata={
            "enum": ["data", "control"],
            "description": "`control`: no data, one job follows the other",
        },
    )
    via = fields.List(
        fields.String(), required=True, metadata=said("jobs in between, at levels `dataset` and `column`")
    )


class Lineage(Schema):
    """A part of the graph around a node. A dataset with several names is one node."""

    nodes = fields.List(fields.Nested(LineageNode), required=True)
    edges = fields.List(
        fields.Nested(LineageEdge),
        required=True,
        attribute="links",
        metadata=said("may lead to nodes of an earlier page"),
    )
    truncated = fields.Boolean(
        required=True, metadata=said("there was more than `max_nodes` within the depth")
    )
    next_cursor = fields.String(
        required=True, allow_none=True, metadata=said("send it as `cursor` to go on from there")
    )
