"""The shapes of answers."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from collector.api.fields import Instant


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


class Job(Name):
    """A job in a list."""

    tool = fields.String(required=True, allow_none=True, metadata=said("`SPARK`, `DBT`, …; null: not said"))
    last_run = fields.Nested(Run, required=True, allow_none=True)


class Jobs(Page):
    """Jobs."""

    items = fields.List(fields.Nested(Job), required=True)


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
    state = fields.String(
        required=True,
        allow_none=True,
        metadata=said("how it stands to what is expected of it, at worst; null: nothing is"),
    )
    affected = fields.Boolean(required=True, metadata=said("something else explains that"))


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
