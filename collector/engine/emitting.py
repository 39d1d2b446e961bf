"""Firings as runs: the OpenLineage events that tell of them, in the classes that everybody else uses.

They go into our own log in the transaction that decides them, and from there on are events like all others; other
backends get them through the outbox.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final, NamedTuple

import attr
from openlineage.client.event_v2 import InputDataset, Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import RunFacet, error_message_run, job_type_job, lineage
from openlineage.client.facet_v2 import job_dependencies_run as dependencies
from openlineage.client.serde import Serde
from sqlalchemy import Connection

from collector.ingest.intake import take
from collector.storage import event_log, outbox
from collector.storage.engine import Database
from collector.storage.outbox import Kind, Queued
from lineage.instants import iso
from lineage.model import JobRef
from triggers.conditions import NAMESPACE
from triggers.firings import sending_key

PRODUCER: Final = f"https://pypi.org/project/tidegate/{version('tidegate')}"

INTEGRATION: Final = "TIDEGATE"

SCHEMA: Final = f"{PRODUCER}#firing"
"""Where the facet of a firing is described: in the words of this program's own documentation."""


class Started(NamedTuple):
    """A run that was recognised as started by a firing."""

    job: JobRef
    run_id: str


class Told(NamedTuple):
    """What is to be told of a firing."""

    id: str
    trigger: str
    key: str
    state: RunState
    at: int
    """µs UTC."""
    consumed: Sequence[Any]
    """As ``Firing.consumed_json`` has it."""
    started: Sequence[Started] = ()
    led_to: Sequence[JobRef] = ()
    """The jobs by which what was consumed went on."""
    error: str | None = None


@attr.define
class FiringRunFacet(RunFacet):
    """What a trigger fired on."""

    trigger: str
    key: str
    inputs: list[dict[str, Any]]

    @staticmethod
    def _get_schema() -> str:
        return SCHEMA


class Emitter:
    """Writes events of firings; ``backends`` are the targets of those who get them as well."""

    def __init__(self, database: Database, backends: Sequence[str]) -> None:
        self._database = database
        self._backends = backends

    def write(self, conn: Connection, told: Iterable[Told], now: int) -> None:
        """Write what is told into the log, and for others into the outbox, in a writing transaction."""
        # Not through its client: filters and names that the environment sets for emitters are not for our own log.
        texts = [Serde.to_json(_event(each)).encode() for each in told]
        if not texts:
            return
        event_log.append(self._database, conn, [take(text, now).row for text in texts])
        if self._backends:
            bodies = [json.loads(text) for text in texts]
            queued = [
                Queued(id_, Kind.EVENT, sending_key(body["run"]["runId"], body["eventType"], id_), body)
                for body in bodies
                for id_ in self._backends
            ]
            outbox.put_all(conn, queued, now)


def _event(told: Told) -> RunEvent:
    datasets = _datasets(told.consumed)
    facets: dict[str, Any] = {
        "tidegate_firing": FiringRunFacet(told.trigger, told.key, list(told.consumed), producer=PRODUCER)
    }
    if told.started:
        facets["jobDependencies"] = dependencies.JobDependenciesRunFacet(
            downstream=[
                dependencies.JobDependency(
                    job=dependencies.JobIdentifier(each.job.namespace, each.job.name),
                    run=dependencies.RunIdentifier(each.run_id),
                    dependency_type="DIRECT_INVOCATION",
                )
                for each in told.started
            ],
            producer=PRODUCER,
        )
    if told.error:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(
            message=told.error, programmingLanguage="python", producer=PRODUCER
        )
    job_facets: dict[str, Any] = {"jobType": _job_type()}
    if told.led_to and datasets:
        # Data flow into a job, which is more than that one runs after the other (spec, lineage job facet).
        sources: list[lineage.LineageInput] = [
            lineage.LineageDatasetInput(namespace=each[0], name=each[1], type="DATASET") for each in datasets
        ]
        job_facets["lineage"] = lineage.LineageJobFacet(
            entries=[
                lineage.LineageJobEntry(type="JOB", namespace=job.namespace, name=job.name, inputs=sources)
                for job in told.led_to
            ],
            producer=PRODUCER,
        )
    return RunEvent(
        eventTime=iso(told.at),
        producer=PRODUCER,
        run=Run(told.id, facets),
        job=Job(NAMESPACE, told.trigger, job_facets),
        eventType=told.state,
        inputs=[InputDataset(*each) for each in datasets],
    )


@lru_cache(maxsize=1)
def _job_type() -> job_type_job.JobTypeJobFacet:
    return job_type_job.JobTypeJobFacet(
        processingType="BATCH", integration=INTEGRATION, jobType="TRIGGER", producer=PRODUCER
    )


def _datasets(consumed: Sequence[Any]) -> list[tuple[str, str]]:
    """Name the datasets of what was consumed, each once."""
    found = [
        (update["dataset"]["namespace"], update["dataset"]["name"])
        for each in consumed
        for update in each["updates"]
    ]
    return list(dict.fromkeys(found))
