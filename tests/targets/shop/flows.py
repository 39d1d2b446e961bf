"""What Prefect runs, in an environment of its own: a flow that tells of itself with OpenLineage's own client."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import parent_run
from prefect import flow, serve, task
from prefect.artifacts import create_table_artifact
from prefect.context import FlowRunContext
from prefect.runtime import deployment

PRODUCER = "https://example.org/tidegate/tests/flows"


def tell(state: RunState, run: Run) -> None:
    """Send one event of the flow, which writes one table."""
    OpenLineageClient().emit(
        RunEvent(
            eventType=state,
            eventTime=datetime.now(UTC).isoformat(),
            run=run,
            job=Job(namespace="prefect", name="publish"),
            outputs=[OutputDataset(namespace="postgres://127.0.0.1:5432", name="shop.public.published")],
            producer=PRODUCER,
        )
    )


@flow(name="publish")
def publish(day: str, rows: int) -> None:
    """Publish a day, unless there is nothing to publish.

    Deployment ``by-id`` tells of the run under the id that Prefect gave it; ``by-parent`` under another, and names
    what it was started by, from the labels of the run.
    """
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    if deployment.name == "by-id":
        run = Run(runId=str(context.flow_run.id))
    else:
        labels = context.flow_run.labels
        parent = parent_run.ParentRunFacet(
            run=parent_run.Run(runId=str(labels["openlineage.parent_run_id"])),
            job=parent_run.Job(
                namespace=str(labels["openlineage.parent_job_namespace"]),
                name=str(labels["openlineage.parent_job_name"]),
            ),
        )
        run = Run(runId=str(uuid.uuid4()), facets={"parent": parent})
    tell(RunState.START, run)
    tell(RunState.COMPLETE if rows else RunState.FAIL, run)
    if not rows:
        raise ValueError(f"nothing to publish on {day}")


@task
def write_table() -> None:
    """Write nothing, and say which table it wrote in the way that openlineage-prefect reads."""
    table = [{"database_uri": "postgres://127.0.0.1:5432", "table": "shop.public.published"}]
    create_table_artifact(key="published", table=table, description="ol-dataset_output")


@flow(name="quiet")
def quiet(day: str, rows: int) -> None:
    """Publish a day, and leave it to Prefect to tell of it."""
    write_table()


if __name__ == "__main__":
    published = (publish.to_deployment(name) for name in ("by-id", "by-parent"))
    serve(*published, quiet.to_deployment("by-listener"))
