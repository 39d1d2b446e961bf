"""The parameters of the native API."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from collector.api.fields import Duration, Instant, Text, Whole
from collector.api.lineages import LEVELS
from collector.api.services import services
from collector.api.shapes import said
from collector.errors import FieldError, Unprocessable
from lineage.fold import Fold
from lineage.traverse import Level, Way

DEFAULT_LIMIT = 100
DEFAULT_DEPTH = 20
LAST_ID = 2**63 - 1
NODE = r"^(dataset|job):[\s\S]*:[\s\S]*$"
COLUMN_NODE = r"^((dataset|job):[\s\S]*|column:[\s\S]*:[\s\S]*):[\s\S]*$"
FINE_NODE = COLUMN_NODE + r"|^run:[\s\S]+$"
FINE_NODE_HELP = (
    "Write dataset:NAMESPACE:NAME, job:NAMESPACE:NAME, column:NAMESPACE:NAME:FIELD or run:RUN_ID."
)
NODE_HELP = "Write dataset:NAMESPACE:NAME or job:NAMESPACE:NAME."


def bounded(name: str, value: int, greatest: int) -> int:
    """Give the value of a parameter; raises ``Unprocessable`` if it is more than the settings allow."""
    if value > greatest:
        raise Unprocessable(
            f"?{name}: Must be at most {greatest}.",
            errors=(FieldError(f"?{name}", f"Must be at most {greatest}."),),
        )
    return value


def limit_of(query: dict[str, Any]) -> int:
    """Give the number of items to answer."""
    most = services().settings.max_page
    limit: int | None = query.get("limit")
    return min(DEFAULT_LIMIT, most) if limit is None else bounded("limit", limit, most)


def pair(namespace: str, name: str) -> Any:
    """Make the check that two parameters come together."""

    def check(query: dict[str, Any]) -> None:
        for one, other in ((namespace, name), (name, namespace)):
            if one in query and other not in query:
                raise ValidationError(f"Needed together with {one}.", other)

    return check


class Limited(Schema):
    """A list that is not paged."""

    limit = Whole(
        validate=validate.Range(min=1), metadata=said(f"items to answer; {DEFAULT_LIMIT} if not given")
    )


class Paged(Limited):
    """A list."""

    cursor = fields.String(metadata=said("`next_cursor` of the page before"))


class NamesQuery(Paged):
    """Jobs or datasets."""

    namespace = Text(metadata=said("only of this namespace"))
    q = Text(metadata=said("only names that contain this, letter case aside"))


class JobsQuery(NamesQuery):
    """Jobs."""

    parent_namespace = Text(
        metadata=said("with `parent_name`: only jobs whose newest run was part of one of this job")
    )
    parent_name = Text(metadata=said("with `parent_namespace`"))

    @validates_schema
    def both_or_none(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """The parent is named in full or not at all."""
        pair("parent_namespace", "parent_name")(data)


class NameQuery(Schema):
    """One job or dataset."""

    namespace = Text(required=True, metadata=said("as in the events: `postgres://host:5432`"))
    name = Text(required=True, metadata=said("as in the events: `shop.public.orders`"))


class NamePage(NameQuery, Paged):
    """A list about one dataset."""


class RunsQuery(Paged):
    """Runs."""

    job_namespace = Text(metadata=said("only of jobs of this namespace"))
    job_name = Text(metadata=said("needs `job_namespace`"))
    state = Text(
        validate=validate.OneOf(["RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER"]),
        metadata=said("what is known last"),
    )
    since = Instant(metadata=said("first event at this time or later"))
    until = Instant(metadata=said("first event before this time"))
    run_id = Text(metadata=said("only runs with this id: several jobs may share it"))
    parent_run_id = Text(metadata=said("only runs that name this one as their parent"))

    @validates_schema
    def name_needs_namespace(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """A job has no meaning without its namespace; a namespace alone has."""
        if "job_name" in data and "job_namespace" not in data:
            raise ValidationError("Needed together with job_name.", "job_namespace")


class RunQuery(Schema):
    """One run."""

    run_id = Text(required=True, metadata=said("as in the events; spelling of a UUID aside"))
    job_namespace = Text(metadata=said("needed, with `job_name`, where several jobs share the run id"))
    job_name = Text(metadata=said("with `job_namespace`"))

    @validates_schema
    def both_or_none(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """The job is named in full or not at all."""
        pair("job_namespace", "job_name")(data)


class RunEventsQuery(RunQuery, Paged):
    """Events of one run."""

    body = fields.Boolean(
        truthy={"true"}, falsy={"false"}, load_default=True, metadata=said("with the events")
    )


class EventsQuery(Paged):
    """Events."""

    kind = Text(validate=validate.OneOf(["run", "job", "dataset"]), metadata=said("what the event is about"))
    event_type = Text(metadata=said("as sent: `COMPLETE`"))
    run_id = Text(metadata=said("only of runs with this id"))
    job_namespace = Text(metadata=said("of RunEvents and JobEvents; with `job_name`"))
    job_name = Text(metadata=said("with `job_namespace`"))
    dataset_namespace = Text(metadata=said("of DatasetEvents; with `dataset_name`"))
    dataset_name = Text(metadata=said("with `dataset_namespace`"))
    since = Instant(metadata=said("at this time or later"))
    until = Instant(metadata=said("before this time"))
    by = Text(
        validate=validate.OneOf(["received", "event"]),
        load_default="received",
        metadata=said("which time `since`, `until` and the order are about"),
    )
    body = fields.Boolean(
        truthy={"true"}, falsy={"false"}, load_default=True, metadata=said("with the events")
    )

    @validates_schema
    def both_or_none(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Jobs and datasets are named in full or not at all."""
        pair("job_namespace", "job_name")(data)
        pair("dataset_namespace", "dataset_name")(data)


class EventQuery(Schema):
    """One event."""

    id = Whole(
        required=True, metadata=said("as the list gives it"), validate=validate.Range(min=1, max=LAST_ID)
    )


class ReprocessBody(Schema):
    """Which ones to try again: some, or all."""

    ids = fields.List(
        Whole(strict=True, validate=validate.Range(min=1, max=LAST_ID)),
        validate=validate.Length(min=1, max=1000),
    )
    all = fields.Boolean(truthy={True}, falsy={False})

    @validates_schema
    def one_of_both(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Nothing is tried again by accident."""
        if bool(data.get("ids")) == bool(data.get("all")):
            raise ValidationError('Send either {"ids": [...]} or {"all": true}.')


def node_field(text: str, **more: Any) -> Text:
    """Make the parameter for a job or dataset."""
    return Text(validate=validate.Regexp(NODE, error=NODE_HELP), metadata=said(text), **more)


def depth_field(text: str = "edges to follow") -> Whole:
    """Make the parameter for how far to look."""
    return Whole(validate=validate.Range(min=0), metadata=said(f"{text}; {DEFAULT_DEPTH} if not given"))


def level_field() -> Text:
    """Make the parameter for what the nodes are."""
    return Text(
        validate=validate.OneOf([level.value for level in Level]),
        load_default="job",
        metadata=said("`dataset` leaves the jobs out: edges lead from dataset to dataset"),
    )


def fold_field(where: str = "") -> Text:
    """Make the parameter for which jobs stand for others."""
    return Text(
        validate=validate.OneOf([fold.value for fold in Fold]),
        load_default="auto",
        metadata=said(
            f"which job stands for a job{where}: its `parent`, its `root`, itself (`none`), or its parent where a "
            "tool reports every step (`auto`)"
        ),
    )


def way_field() -> Text:
    """Make the parameter for the direction of a walk."""
    return Text(
        validate=validate.OneOf([way.value for way in Way]),
        load_default="both",
        metadata=said("what it is made from, what is made from it, or both"),
    )


def control_field() -> fields.Boolean:
    """Make the parameter for following control flow."""
    return fields.Boolean(
        truthy={"true"},
        falsy={"false"},
        load_default=False,
        metadata=said("also follow what runs after what without passing data (`jobDependencies`)"),
    )


class MomentQuery(Schema):
    """Which edges count."""

    as_of = Instant(metadata=said("edges valid at this time; those open now if not given"))
    window = Duration(
        metadata=said("as `P7D` or `PT12H`: edges valid at some time so long before `as_of`, or before now")
    )


class WalkQuery(MomentQuery):
    """Which part of the graph of jobs and datasets to give."""

    node = node_field("`dataset:NAMESPACE:NAME` or `job:NAMESPACE:NAME`", required=True)
    direction = way_field()
    depth = depth_field("edges to follow, each way")
    level = level_field()
    fold = fold_field(" at level `job`")
    control = control_field()
    max_nodes = Whole(validate=validate.Range(min=1), metadata=said("most nodes to answer"))
    cursor = fields.String(metadata=said("`next_cursor` of a truncated answer to the same question"))
    indirect = fields.Boolean(
        truthy={"true"},
        falsy={"false"},
        load_default=True,
        metadata=said("at level `column`: also what only decides which rows there are (filters, joins)"),
    )


class ExtentQuery(MomentQuery):
    """Around which node to count."""

    node = node_field("`dataset:NAMESPACE:NAME` or `job:NAMESPACE:NAME`", required=True)
    depth = depth_field("edges to follow, each way")
    level = level_field()
    fold = fold_field(" at level `job`")
    control = control_field()


class MomentsQuery(Limited):
    """Around which node to look for changes."""

    node = node_field("around `dataset:NAMESPACE:NAME` or `job:NAMESPACE:NAME`", required=True)
    direction = way_field()
    depth = depth_field("edges to follow, each way")
    fold = fold_field()
    control = control_field()


class LineageQuery(WalkQuery):
    """Which part of the graph to give, at any level."""

    node = Text(
        required=True,
        validate=validate.Regexp(FINE_NODE, error=FINE_NODE_HELP),
        metadata=said(
            "`dataset:NAMESPACE:NAME`, `job:NAMESPACE:NAME`, `column:NAMESPACE:NAME:FIELD`, or `run:RUN_ID`, "
            "followed by `:job:NAMESPACE:NAME` where several jobs share the run id"
        ),
    )
    level = Text(
        validate=validate.OneOf(LEVELS),
        load_default="job",
        metadata=said(
            "`dataset` leaves the jobs out: edges lead from dataset to dataset; `column` is of columns, of all "
            "those of a dataset; `run` of runs: which read what another wrote. A column or a run implies its level"
        ),
    )
    state = fields.Boolean(
        truthy={"true"},
        falsy={"false"},
        load_default=False,
        metadata=said("at levels `job` and `dataset`: also how each node stands now"),
    )
