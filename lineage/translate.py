"""From an OpenLineage event, as JSON, to an ``Observation``: what it says, in our words.

The event has passed the collector's checks: it is an object with a readable ``eventTime`` and an identity. All else
may be missing, null or of the wrong type; such parts are left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from lineage import facets
from lineage.facets import Json, items, mapping
from lineage.instants import parse_instant
from lineage.model import (
    AssertionSeen,
    DatasetRef,
    DatasetUse,
    Direction,
    FacetSeen,
    JobPoint,
    JobRef,
    Kind,
    Observation,
    Point,
    Source,
)

DATA_CHANGES = frozenset({"CREATE", "OVERWRITE", "TRUNCATE"})
"""Lifecycle changes after which the data are others; ALTER, DROP and RENAME bring no new data."""


def translate(event: Json, received_at: int, identity: str) -> Observation:
    """Read one event. ``received_at`` is in microseconds since 1970-01-01 UTC.

    ``identity`` tells events apart; a declaration, which has no run id, takes it for one.

    Raises:
        ValueError: the event is none that the checks would have let through.
    """
    time, _ = parse_instant(event["eventTime"])
    run, job_body, dataset_body = (mapping(event.get(key)) for key in ("run", "job", "dataset"))
    job, dataset = facets.job_ref(job_body), facets.dataset_ref(dataset_body)
    run_id = facets.text(run.get("runId"))
    if run_id and job:
        return _run_event(
            event, Observation(Kind.RUN, time, received_at, job, run_id=run_id), job, run, job_body
        )
    if dataset:
        seen = Observation(Kind.DATASET, time, received_at, None, dataset, run_id=identity)
        return _dataset_event(seen, dataset, dataset_body)
    if job:
        return _job_event(
            event, Observation(Kind.JOB, time, received_at, job, run_id=identity), job, job_body
        )
    raise ValueError("neither run and job, nor dataset, nor job")


def _run_event(event: Json, seen: Observation, job: JobRef, run: Json, job_body: Json) -> Observation:
    event_type = facets.text(event.get("eventType"))
    seen.event_type = event_type.upper() if event_type else None
    run_facets = mapping(run.get("facets"))
    seen.parent, seen.root = facets.parents(run_facets)
    seen.error = facets.error_message(run_facets)
    seen.external_id = facets.external_id(run_facets)
    seen.incomplete = bool(mapping(run_facets.get("extractionError")))
    nominal = mapping(run_facets.get("nominalTime"))
    seen.nominal_start = _instant(nominal.get("nominalStartTime"))
    seen.nominal_end = _instant(nominal.get("nominalEndTime"))
    _job(event, seen, job, job_body)
    if seen.event_type == "COMPLETE" and not facets.knows_outputs(run_facets):
        seen.named = [use.dataset for use in seen.uses if isinstance(use.dataset, DatasetRef)]
        seen.uses = [use for use in seen.uses if use.direction is Direction.INPUT]
        seen.incomplete = True
    seen.detail = seen.parent is not None and facets.is_step(mapping(job_body.get("facets")))
    for point, direction in dict.fromkeys(facets.dependencies(run_facets)):
        seen.uses.append(DatasetUse(point, direction, artificial=True))
    return seen


def _job_event(event: Json, seen: Observation, job: JobRef, job_body: Json) -> Observation:
    _job(event, seen, job, job_body)
    seen.declares_lineage = bool(seen.uses)
    for use in seen.uses:
        # How a job is made changes no data, whatever the facets of its outputs tell of their past.
        use.version = use.lifecycle = None
    return seen


def _dataset_event(seen: Observation, dataset: DatasetRef, body: Json) -> Observation:
    own = mapping(body.get("facets"))
    use = _use(seen, dataset, Direction.OUTPUT, body)
    explicit = mapping(own.get("lineage"))
    # Whoever deletes the facet takes back what it declared: this is how a declared edge goes away.
    sources = () if explicit.get("_deleted") is True else facets.lineage_sources(explicit)
    if sources is not None:
        use.sources = sources
    seen.declares_lineage = use.sources is not None
    if seen.declares_lineage or seen.assertions or use.version or use.lifecycle in DATA_CHANGES:
        seen.uses = [use, *_implied(use.sources or (), set())]
    return seen


def _job(event: Json, seen: Observation, job: JobRef, body: Json) -> None:
    """Read what job and run events share: the job's facets, inputs, outputs and explicit lineage."""
    own = mapping(body.get("facets"))
    seen.processing_type = facets.processing_type(own)
    _keep(seen, job, own)
    uses: dict[tuple[DatasetRef | JobPoint, Direction], DatasetUse] = {}
    for key, direction in (("inputs", Direction.INPUT), ("outputs", Direction.OUTPUT)):
        for entry in items(event.get(key)):
            dataset = facets.dataset_ref(entry)
            # One event may list a dataset twice (Prefect does when it fails): the first says all.
            if dataset and (dataset, direction) not in uses:
                uses[dataset, direction] = _use(seen, dataset, direction, entry)
    # An entry of the lineage facet outranks columnLineage; an output without entry falls back to it.
    for target, sources in facets.lineage_entries(mapping(own.get("lineage"))):
        sources = tuple(each for each in sources if each.dataset != JobPoint(*job, Point.AFTER))
        if target is None or (target == job and isinstance(target, JobRef)):
            for source in sources:
                uses.setdefault((source.dataset, Direction.INPUT), _read(source.dataset))
            continue
        written = target if isinstance(target, DatasetRef) else JobPoint(*target, Point.BEFORE)
        use = uses.setdefault((written, Direction.OUTPUT), _written(written))
        use.sources = sources
    seen.uses = list(uses.values())
    listed = {dataset for dataset, direction in uses if direction is Direction.INPUT}
    for use in uses.values():
        seen.uses += _implied(use.sources or (), listed)


def _read(dataset: DatasetRef | JobPoint, *, implied: bool = False) -> DatasetUse:
    return DatasetUse(dataset, Direction.INPUT, implied=implied, artificial=isinstance(dataset, JobPoint))


def _written(dataset: DatasetRef | JobPoint) -> DatasetUse:
    artificial = isinstance(dataset, JobPoint) or facets.is_artificial(dataset, facets.NOTHING)
    return DatasetUse(dataset, Direction.OUTPUT, artificial=artificial)


def _implied(sources: tuple[Source, ...], listed: set[DatasetRef | JobPoint]) -> list[DatasetUse]:
    """Give the inputs that only an output's sources name: dbt lists no inputs behind ephemeral models."""
    missing = {source.dataset for source in sources} - listed
    listed |= missing
    return [_read(dataset, implied=True) for dataset in sorted(missing)]


def _use(seen: Observation, dataset: DatasetRef, direction: Direction, entry: Json) -> DatasetUse:
    """Read one entry of inputs, outputs, or a DatasetEvent's dataset; its facets go into ``seen``."""
    shared = mapping(entry.get("facets"))
    word = "input" if direction is Direction.INPUT else "output"
    own = mapping(entry.get(f"{word}Facets"))
    _keep(seen, dataset, shared)
    use = DatasetUse(dataset, direction, artificial=facets.is_artificial(dataset, shared))
    # Most entries carry none of the facets of a group; asking for each of them was a third of the work.
    if not facets.OF_DATASET.isdisjoint(shared):
        seen.aliases += facets.aliases(dataset, shared)
        use.sources = facets.column_sources(shared) if direction is Direction.OUTPUT else None
        use.version = facets.text(mapping(shared.get("version")).get("datasetVersion"))
        use.lifecycle = facets.lifecycle(shared)
    if own or not facets.RUN_BOUND.isdisjoint(shared):
        seen.assertions += _once(facets.assertions(dataset, shared, own))
        statistics = facets.statistics(shared, own, f"{word}Statistics")
        use.rows = facets.count(statistics.get("rowCount"))
        use.bytes = facets.count(statistics.get("size"))
        use.files = facets.count(statistics.get("fileCount"))
        use.partition = facets.partition(own, word)
    return use


def _once(found: Iterable[AssertionSeen]) -> list[AssertionSeen]:
    """dbt reports each assertion in ``facets`` and again in ``inputFacets``."""
    return list(dict.fromkeys(found))


def _keep(seen: Observation, owner: JobRef | DatasetRef, body: Json) -> None:
    for name, facet in body.items():
        if name not in facets.RUN_BOUND and isinstance(facet, dict):
            # Only job and dataset facets can be deleted (spec: JobFacet, DatasetFacet).
            seen.facets.append(FacetSeen(owner, name[:255], None if facet.get("_deleted") is True else facet))


def _instant(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        return parse_instant(value)[0]
    except ValueError:
        return None
