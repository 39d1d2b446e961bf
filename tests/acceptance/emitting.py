"""Events as emitters send them: by the official Python client, or by hand."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    RunFacet,
    error_message_run,
    output_statistics_output_dataset,
    parent_run,
)

from tests.acceptance.connection import Connection
from tests.events import NAMESPACE, dataset, run_event

PRODUCER = "https://example.org/tidegate/tests"


def run(
    port: int,
    job: str,
    *,
    reads: Sequence[str] = (),
    writes: Sequence[str] = (),
    rows: int | None = None,
    error: str | None = None,
    parent: Mapping[str, str] | None = None,
) -> str:
    """Run a job as far as its events tell, with the official client: it starts now and ends at once; give its run id.

    ``error``: it fails and says this; else it completes, and says that it wrote so many ``rows``. ``parent`` has the
    ``id``, ``namespace`` and ``name`` of the run that started it.
    """
    client = OpenLineageClient(
        config={"transport": {"type": "http", "url": f"http://127.0.0.1:{port}", "compression": "gzip"}}
    )
    identity = str(uuid.uuid4())
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)
    own: dict[str, RunFacet] = {}
    if parent is not None:
        own["parent"] = parent_run.ParentRunFacet(
            run=parent_run.Run(runId=parent["id"]),
            job=parent_run.Job(namespace=parent["namespace"], name=parent["name"]),
        )
    for state in (RunState.START, RunState.COMPLETE if error is None else RunState.FAIL):
        over = state is not RunState.START
        failure = error_message_run.ErrorMessageRunFacet(message=error or "", programmingLanguage="python")
        client.emit(
            RunEvent(
                eventType=state,
                eventTime=datetime.now(UTC).isoformat(),
                run=Run(runId=identity, facets=own | ({"errorMessage": failure} if over and error else {})),
                job=Job(namespace="shop", name=job),
                inputs=[InputDataset(namespace=NAMESPACE, name=name) for name in reads],
                outputs=[
                    OutputDataset(
                        namespace=NAMESPACE,
                        name=name,
                        outputFacets={"outputStatistics": statistics} if over and rows is not None else {},
                    )
                    for name in writes
                ],
                producer=PRODUCER,
            )
        )
    assert client.close(timeout=30)
    return identity


def complete(port: int, name: str, rows: int) -> None:
    """Say by hand that so many rows were written to a dataset just now."""
    statistics = {"_producer": PRODUCER, "_schemaURL": f"{PRODUCER}/statistics.json", "rowCount": rows}
    output = dataset(name, outputFacets={"outputStatistics": statistics})
    at = int(datetime.now(UTC).timestamp() * 1e6)
    event = run_event("COMPLETE", at, f"load-{name}", str(uuid.uuid4()), outputs=[output])
    with Connection(port) as connection:
        assert connection.post(event).status == 201
