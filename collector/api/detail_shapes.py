"""The shapes of answers about one dataset, one job, or one run."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from collector.api.fields import Instant
from collector.api.question_shapes import Owner
from collector.api.shapes import Assertion, Job, Name, Page, Run, Update, said
from collector.storage.trigger_reads import TriggerState
from lineage.model import Reason


class Address(Schema):
    """Where people see something, as a facet says."""

    text = fields.String(required=True, metadata=said("what is there: `Airflow log`"))
    url = fields.String(required=True, metadata=said("http or https"))


class TriggerMark(Schema):
    """A trigger, in short."""

    id = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": [state.value for state in TriggerState]})


def addresses() -> fields.List[Any]:
    """Make the field for the addresses that facets tell."""
    return fields.List(
        fields.Nested(Address), required=True, metadata=said("that its facets tell, at most 20")
    )


def triggers(text: str) -> fields.List[Any]:
    """Make the field for some triggers."""
    return fields.List(fields.Nested(TriggerMark), required=True, metadata=said(text))


def owners() -> fields.List[Any]:
    """Make the field for owners."""
    return fields.List(
        fields.Nested(Owner), required=True, metadata=said("as its `ownership` facet has them")
    )


def facet_bodies() -> fields.Dict:
    """Make the field for facets: whatever events carried, by name."""
    return fields.Dict(keys=fields.String(), required=True, metadata=said("by name, as sent"))


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
    """What is part of this one: the runs that name it as their parent, or jobs whose runs do."""

    count = fields.Integer(required=True, metadata=said("counted up to 1,000"))
    url = fields.String(required=True, metadata=said("lists them"))


class StartedBy(Schema):
    """The firing that started a run."""

    firing = fields.String(required=True, metadata=said("its id"))
    trigger = fields.String(required=True)


class RunDetail(Run):
    """All about one run."""

    inputs = fields.List(fields.Nested(RunDataset), required=True)
    outputs = fields.List(fields.Nested(RunDataset), required=True)
    datasets_complete = fields.Boolean(
        required=True, metadata=said("false: there are more inputs or outputs")
    )
    ancestors = fields.List(
        fields.Nested(Run),
        required=True,
        metadata=said(
            "the runs that it is part of, the outermost first, as far as is clear which they are; at most 10"
        ),
    )
    children = fields.Nested(Children, required=True)
    started_by = fields.Nested(
        StartedBy, required=True, allow_none=True, metadata=said("null: no trigger has started it")
    )
    facets = facet_bodies()
    facets_complete = fields.Boolean(
        required=True,
        metadata=said("false: facets are from the newest 200 and the first 50 events of the run only"),
    )
    links = addresses()


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
    links = addresses()
    owners = owners()
    parent = fields.Nested(
        Name, required=True, allow_none=True, metadata=said("the job that its newest run was part of")
    )
    children = fields.Nested(Children, required=True)
    inputs = fields.List(fields.Nested(JobEdge), required=True)
    outputs = fields.List(fields.Nested(JobEdge), required=True)
    versions = fields.List(
        fields.Nested(JobEdgeInterval),
        required=True,
        metadata=said("what it read and wrote when, the newest first"),
    )
    complete = fields.Boolean(required=True, metadata=said("false: one of the lists is cut at 1,000"))
    awaited_by = triggers("those that wait for something it writes")
    started_by = triggers("those that started one of its newest 100 runs")


class Retyped(Schema):
    """A column of another type than before."""

    name = fields.String(required=True)
    before = fields.String(required=True, allow_none=True)
    after = fields.String(required=True, allow_none=True)


class SchemaChange(Schema):
    """In what a schema differs from the one before. Fields of fields are written `address.city`."""

    added = fields.List(fields.String(), required=True)
    removed = fields.List(fields.String(), required=True)
    retyped = fields.List(fields.Nested(Retyped), required=True)


class SchemaVersion(Schema):
    """A schema that a dataset has had."""

    fields_ = fields.List(fields.Raw(), required=True, data_key="fields", metadata=said("as sent"))
    first_seen_at = Instant(required=True)
    last_seen_at = Instant(required=True)
    change = fields.Nested(
        SchemaChange, required=True, allow_none=True, metadata=said("null: it is the first that is known")
    )


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

    job = fields.Nested(Name, required=True)
    valid_from = Instant(required=True)
    implied = fields.Boolean(required=True, metadata=said("known from column lineage only"))
    last_run = fields.Nested(Run, required=True, allow_none=True)


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
    links = addresses()
    owners = owners()
    tags = fields.List(
        fields.String(), required=True, metadata=said("those of people and of `tags` facets, under any name")
    )
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
    awaited_by = triggers("those that wait for it")
