"""The shapes of answers."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from collector.api.fields import Instant
from lineage.model import Reason


def said(text: str, **more: Any) -> dict[str, Any]:
    """Describe a field in the document."""
    return {"description": text, **more}


class FieldProblem(Schema):
    """One thing wrong at one place."""

    path = fields.String(
        required=True, metadata=said("`?limit` is a query parameter, `$.job.name` a place in a body")
    )
    reason = fields.String(required=True)


class Problem(Schema):
    """Any error (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    errors = fields.List(fields.Nested(FieldProblem))


class Page(Schema):
    """What all lists answer."""

    next_cursor = fields.String(
        required=True,
        allow_none=True,
        metadata=said("send it as `cursor` for the next page; null at the end"),
    )


class Name(Schema):
    """A job or a dataset, by name."""

    namespace = fields.String(required=True)
    name = fields.String(required=True)


class NodeName(Name):
    """A job or a dataset among both."""

    id = fields.String(
        required=True, attribute="text", metadata=said("as `/lineage` takes it: `dataset:NS:NAME`")
    )
    type = fields.String(required=True, metadata={"enum": ["job", "dataset"]})


class Namespaces(Page):
    """Names of namespaces."""

    items = fields.List(fields.String(), required=True)


class Link(Schema):
    """A run, as another points at it."""

    run_id = fields.String(required=True)
    job = fields.Nested(Name, required=True, allow_none=True, metadata=said("null if nobody has said it"))


class RunMark(Schema):
    """A run, in short."""

    run_id = fields.String(required=True)
    job = fields.Nested(Name, required=True)
    state = fields.String(
        required=True,
        allow_none=True,
        metadata=said("null: only known because another run named it as its parent"),
    )


class Run(RunMark):
    """A run of a job."""

    started_at = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)
    duration = fields.Float(required=True, allow_none=True, metadata=said("seconds"))
    first_event_at = Instant(required=True, allow_none=True)
    last_event_at = Instant(required=True, allow_none=True)
    nominal_start_at = Instant(required=True, allow_none=True)
    nominal_end_at = Instant(required=True, allow_none=True)
    parent = fields.Nested(Link, required=True, allow_none=True)
    root = fields.Nested(Link, required=True, allow_none=True)
    processing_type = fields.String(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    incomplete = fields.Boolean(required=True, metadata=said("the emitter could not extract all lineage"))


class Runs(Page):
    """Runs."""

    items = fields.List(fields.Nested(Run), required=True)


class RunDataset(Schema):
    """A dataset that a run read or wrote."""

    dataset = fields.Nested(Name, required=True)
    rows = fields.Integer(required=True, allow_none=True)
    bytes = fields.Integer(required=True, allow_none=True)
    files = fields.Integer(required=True, allow_none=True)
    version = fields.String(required=True, allow_none=True)
    partition = fields.String(required=True, allow_none=True)
    implied = fields.Boolean(required=True, metadata=said("known from column lineage only"))
    artificial = fields.Boolean(required=True, metadata=said("stands only for data passed between jobs"))


class Children(Schema):
    """The runs that name this one as their parent."""

    count = fields.Integer(required=True, metadata=said("counted up to 1,000"))
    url = fields.String(required=True, metadata=said("lists them"))


def facet_bodies() -> fields.Dict:
    """Make the field for facets: whatever events carried, by name."""
    return fields.Dict(keys=fields.String(), required=True, metadata=said("by name, as sent"))


class RunDetail(Run):
    """All about one run."""

    inputs = fields.List(fields.Nested(RunDataset), required=True)
    outputs = fields.List(fields.Nested(RunDataset), required=True)
    datasets_complete = fields.Boolean(
        required=True, metadata=said("false: there are more inputs or outputs")
    )
    children = fields.Nested(Children, required=True)
    facets = facet_bodies()
    facets_complete = fields.Boolean(
        required=True,
        metadata=said("false: facets are from the newest 200 and the first 50 events of the run only"),
    )


class Job(Name):
    """A job in a list."""

    last_run = fields.Nested(Run, required=True, allow_none=True)


class Jobs(Page):
    """Jobs."""

    items = fields.List(fields.Nested(Job), required=True)


class JobEdge(Schema):
    """A dataset that a job reads or writes, and when it was first seen to."""

    dataset = fields.Nested(Name, required=True, attribute="other")
    valid_from = Instant(required=True)
    implied = fields.Boolean(required=True, metadata=said("known from column lineage only"))


class JobEdgeInterval(JobEdge):
    """A time during which a job read or wrote a dataset."""

    direction = fields.String(required=True, metadata={"enum": ["input", "output"]})
    valid_to = Instant(required=True, allow_none=True, metadata=said("null: it still does"))

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Write the direction as a word."""
        value = super().get_attribute(obj, attr, default)
        return value.name.lower() if attr == "direction" else value


class JobDetail(Job):
    """All about one job."""

    facets = facet_bodies()
    inputs = fields.List(fields.Nested(JobEdge), required=True)
    outputs = fields.List(fields.Nested(JobEdge), required=True)
    versions = fields.List(
        fields.Nested(JobEdgeInterval),
        required=True,
        metadata=said("what it read and wrote when, the newest first"),
    )
    complete = fields.Boolean(required=True, metadata=said("false: one of the lists is cut at 1,000"))


class Update(Schema):
    """New data came into a dataset."""

    event_time = Instant(required=True)
    received_at = Instant(required=True)
    nominal_at = Instant(required=True, allow_none=True)
    partition = fields.String(required=True, allow_none=True)
    version = fields.String(required=True, allow_none=True)
    rows = fields.Integer(required=True, allow_none=True)
    kind = fields.String(required=True, metadata=said("`run`, `stream` or `declared`"))
    run = fields.Nested(RunMark, required=True, allow_none=True)


class Updates(Page):
    """Updates of a dataset."""

    items = fields.List(fields.Nested(Update), required=True)


class Dataset(Name):
    """A dataset in a list."""

    last_update = fields.Nested(Update, required=True, allow_none=True)
    fields_count = fields.Integer(
        required=True, allow_none=True, attribute="fields", metadata=said("null: no schema is known")
    )
    written_by = fields.Integer(required=True, metadata=said("jobs"))
    read_by = fields.Integer(required=True, metadata=said("jobs"))


class Datasets(Page):
    """Datasets."""

    items = fields.List(fields.Nested(Dataset), required=True)


class Assertion(Schema):
    """The result of a data-quality check."""

    event_time = Instant(required=True)
    assertion = fields.String(required=True)
    column = fields.String(required=True, allow_none=True)
    name = fields.String(required=True, allow_none=True)
    success = fields.Boolean(required=True)
    severity = fields.String(required=True, allow_none=True)
    expected = fields.String(required=True, allow_none=True)
    actual = fields.String(required=True, allow_none=True)
    run = fields.Nested(RunMark, required=True, allow_none=True)


class Assertions(Page):
    """Results of checks."""

    items = fields.List(fields.Nested(Assertion), required=True)


class SchemaVersion(Schema):
    """A schema that a dataset has had."""

    fields_ = fields.List(fields.Raw(), required=True, data_key="fields", metadata=said("as sent"))
    first_seen_at = Instant(required=True)
    last_seen_at = Instant(required=True)


class SchemaVersions(Page):
    """Schemas that a dataset has had."""

    items = fields.List(fields.Nested(SchemaVersion), required=True)


class Alias(Schema):
    """Another name of a dataset."""

    dataset = fields.Nested(Name, required=True)
    reason = fields.String(required=True, metadata={"enum": [reason.value for reason in Reason]})
    detail = fields.String(
        required=True, allow_none=True, metadata=said("what was normalised, or the rule that says so")
    )


class DatasetEdge(Schema):
    """A job that reads or writes a dataset, and when it was first seen to."""

    job = fields.Nested(Name, required=True, attribute="other")
    valid_from = Instant(required=True)
    implied = fields.Boolean(required=True, metadata=said("known from column lineage only"))


class DatasetDetail(Name):
    """All about one dataset."""

    fields_ = fields.List(
        fields.Raw(),
        required=True,
        allow_none=True,
        data_key="fields",
        metadata=said("null: no schema is known"),
    )
    facets = facet_bodies()
    canonical = fields.Nested(
        Name,
        required=True,
        allow_none=True,
        metadata=said("the name that stands for all of them in the graph; null if it may not be seen"),
    )
    aliases = fields.List(fields.Nested(Alias), required=True, metadata=said("its other names"))
    deleted_at = Instant(required=True, allow_none=True, metadata=said("null: it is there"))
    producers = fields.List(fields.Nested(DatasetEdge), required=True)
    consumers = fields.List(fields.Nested(DatasetEdge), required=True)
    complete = fields.Boolean(
        required=True, metadata=said("false: aliases, producers or consumers are cut at 1,000")
    )
    last_updates = fields.List(fields.Nested(Update), required=True, metadata=said("at most 10"))
    last_assertions = fields.List(
        fields.Nested(Assertion), required=True, metadata=said("the last result of each check, at most 100")
    )
