"""dbt 1.11 with openlineage-dbt 1.54: a run of the project and one of each model, then the same for tests.

``dbt-ol`` reads dbt's artifacts, so all events come when dbt has ended: first that of the project, then all STARTs,
then the ends, with the times at which things happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from collector.demo.emitters.columns import schema, sources
from collector.demo.facets import CLIENT, CLIENT_TAGS, Json, custom, facet, offset_time, run_event
from collector.demo.model import SECOND, Check, Step, Table
from collector.demo.occasions import Occasion, Sent, Try

PRODUCER: Final = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/dbt"
SCHEMAS: Final = "https://github.com/OpenLineage/OpenLineage/tree/main/integration/common/openlineage/schema"

APART: Final = SECOND // 50
"""How long after another an event is sent (µs)."""


class Invocation(NamedTuple):
    """One call of dbt: ``dbt-ol run`` or ``dbt-ol test``."""

    occasion: Occasion
    command: str
    start: int
    end: int
    failed: bool

    @property
    def run_id(self) -> str:
        """The run of the project."""
        return self.occasion.run_id(self.command, at=self.start)

    @property
    def job(self) -> tuple[str, str]:
        """The job of the project, which with a parent is in the namespace of the parent."""
        parent, flow = self.occasion.parent, self.occasion.flow
        return (parent.job[0] if parent else flow.namespace, f"dbt-run-{flow.name}")


def events(occasion: Occasion) -> Iterator[Sent]:
    """Give the events of ``dbt-ol run``, and of ``dbt-ol test`` some seconds later."""
    ended = max(each.end for each in occasion.tries)
    failed = any(each.failed for each in occasion.tries)
    run = Invocation(occasion, "run", occasion.start, ended + SECOND, failed)
    yield from _sent(run, [_model(run, each) for each in occasion.tries])
    tested = [each for each in occasion.tries if each.step.checks and not each.failed]
    wrong = any(_fails(occasion, each.step, check) for each in tested for check in each.step.checks)
    begin = run.end + 4 * SECOND
    test = Invocation(occasion, "test", begin, begin + 5 * SECOND, wrong)
    if tested:
        yield from _sent(test, [_test(test, each) for each in tested])


def _sent(invocation: Invocation, nodes: Sequence[tuple[Json, Json]]) -> Iterator[Sent]:
    """Send what is given as pairs of START and end in the order of ``dbt-ol``."""
    starts = [start for start, _ in nodes]
    ends = sorted((end for _, end in nodes), key=lambda end: bool(end["eventType"] == "FAIL"))
    last = _project(invocation, "FAIL" if invocation.failed else "COMPLETE", invocation.end)
    order = [_project(invocation, "START", invocation.start), *starts, *ends, last]
    first = invocation.end + invocation.occasion.late(invocation.command, 1.0, 2.0)
    for number, body in enumerate(order):
        yield Sent(first + number * APART, body)


def _project(invocation: Invocation, kind: str, at: int) -> Json:
    parent = invocation.occasion.parent
    run: Json = {}
    if parent:
        run = facet(
            CLIENT,
            "parent",
            job={"name": parent.job[1], "namespace": parent.job[0]},
            root={
                "job": {"name": parent.root_job[1], "namespace": parent.root_job[0]},
                "run": {"runId": parent.root_run_id},
            },
            run={"runId": parent.run_id},
        )
    about = facet(PRODUCER, "jobType", integration="DBT", jobType="JOB", processingType="BATCH")
    return run_event(
        PRODUCER, kind, offset_time(at), invocation.run_id, invocation.job, run=run | _every_run(invocation),
        about=about, inputs=[], outputs=[],
    )  # fmt: skip


def _model(invocation: Invocation, each: Try) -> tuple[Json, Json]:
    occasion, step = invocation.occasion, each.step
    (table,) = step.writes
    relation = '"."'.join(step.reads[0].name.split("."))
    query = step.sql or f'select *\nfrom "{relation}"'
    about = _node(occasion, step, "MODEL") | facet(CLIENT, "sql", dialect="postgres", query=query)
    inputs = [_dataset(occasion, read) for read in step.reads]
    written = _dataset(occasion, table)
    written["facets"] |= custom(
        CLIENT,
        "dbt_model",
        f"{SCHEMAS}/dbt-model-dataset-facet.json",
        config={"access": "protected", "materialized": "table" if table.rows else "view"},
    )
    fields = {
        name: {
            "inputFields": [
                {"field": field, "name": read.name, "namespace": read.namespace, "transformations": []}
                for read, field in made_of
            ]
        }
        for name, made_of in sources(occasion, step, table)
    }
    written["facets"] |= facet(CLIENT, "columnLineage", dataset=[], fields=fields)
    if table.rows:
        written["outputFacets"] = facet(CLIENT, "outputStatistics", rowCount=occasion.rows(table))
    kind = "FAIL" if each.failed else "COMPLETE"
    return tuple(  # type: ignore[return-value]  # of two
        run_event(
            PRODUCER, event, _zulu(at), occasion.run_id(step.name, at=each.start), _job(occasion, table),
            run=_child(invocation), about=about, inputs=inputs, outputs=outputs,
        )
        for event, at, outputs in (
            ("START", each.start, [written]), (kind, each.end, [] if each.failed else [written])
        )
    )  # fmt: skip


def _test(invocation: Invocation, each: Try) -> tuple[Json, Json]:
    """Write the run of the tests of one model, which has no times of its own but that of the sending."""
    occasion, step = invocation.occasion, each.step
    (table,) = step.writes
    assertions = [_assertion(occasion, step, check) for check in step.checks]
    checked = facet(CLIENT, "dataQualityAssertions", assertions=assertions)
    entry = {"facets": checked, "inputFacets": checked, "name": table.name, "namespace": table.namespace}
    failed = any(_fails(occasion, step, check) for check in step.checks)
    namespace, name = _job(occasion, table)
    first, second = (
        run_event(
            PRODUCER, kind, offset_time(invocation.end), occasion.run_id(f"{step.name} test", at=invocation.end),
            (namespace, f"{name}.test"), run=_child(invocation), about=_node(occasion, step, "TEST"),
            inputs=[entry], outputs=[],
        )
        for kind in ("START", "FAIL" if failed else "COMPLETE")
    )  # fmt: skip
    return first, second


def _assertion(occasion: Occasion, step: Step, check: Check) -> Json:
    wrong = _fails(occasion, step, check)
    return {
        "actual": str(17 if wrong else 0),
        "assertion": check.assertion,
        "column": check.column,
        "expected": "0",
        "name": f"{check.assertion}_{step.name}_{check.column}",
        "params": {},
        "severity": check.severity,
        "success": not wrong,
    }


def _fails(occasion: Occasion, step: Step, check: Check) -> bool:
    return f"{step.name}.{check.assertion}" in occasion.fate.checks


def _dataset(occasion: Occasion, table: Table) -> Json:
    facets = facet(CLIENT, "dataSource", name=table.namespace, uri=table.namespace)
    facets |= facet(CLIENT, "documentation", description=table.description)
    if table.owner:
        facets |= facet(CLIENT, "ownership", owners=[{"name": table.owner}])
    return {
        "facets": facets | schema(CLIENT, occasion, table),
        "name": table.name,
        "namespace": table.namespace,
    }


def _job(occasion: Occasion, table: Table) -> tuple[str, str]:
    database, name_of_schema, name = table.name.split(".")
    return occasion.flow.namespace, f"{database}.{name_of_schema}.{occasion.flow.name}.{name}"


def _node(occasion: Occasion, step: Step, kind: str) -> Json:
    (table,) = step.writes
    database, name_of_schema, name = table.name.split(".")
    about = facet(PRODUCER, "jobType", integration="DBT", jobType=kind, processingType="BATCH")
    return about | custom(
        CLIENT,
        "dbt_node",
        f"{SCHEMAS}/dbt-node-job-facet.json",
        alias=name,
        database=database,
        original_file_path=f"models/{name_of_schema}/{name}.sql",
        schema=name_of_schema,
        unique_id=f"model.{occasion.flow.name}.{name}",
    )


def _child(invocation: Invocation) -> Json:
    name = {"name": invocation.job[1], "namespace": invocation.job[0]}
    root = {"job": name, "run": {"runId": invocation.run_id}}
    if parent := invocation.occasion.parent:
        job = {"name": parent.root_job[1], "namespace": parent.root_job[0]}
        root = {"job": job, "run": {"runId": parent.root_run_id}}
    run = facet(CLIENT, "parent", job=name, root=root, run={"runId": invocation.run_id})
    tags = [{"key": tag, "source": "DBT", "value": "true"} for tag in invocation.occasion.flow.tags]
    return run | _every_run(invocation) | facet(CLIENT, "tags", tags=[*tags, *CLIENT_TAGS])


def _every_run(invocation: Invocation) -> Json:
    name = invocation.occasion.flow.name
    found = custom(
        CLIENT,
        "dbt_run",
        f"{SCHEMAS}/dbt-run-run-facet.json",
        dbt_runtime="core",
        invocation_id=str(uuid5(UUID(invocation.run_id), "invocation")),
        profile_name=name,
        project_name=name,
        project_version="1.4.0",
    )
    found |= custom(CLIENT, "dbt_version", f"{SCHEMAS}/dbt-version-run-facet.json", version="1.11.16")
    found |= facet(
        CLIENT, "processing_engine", name="dbt", openlineageAdapterVersion="1.54.0", version="1.11.16"
    )
    return found | facet(CLIENT, "tags", tags=CLIENT_TAGS)


def _zulu(at: int) -> str:
    return offset_time(at).replace("+00:00", "Z")
