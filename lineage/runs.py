"""The state of a run, folded from its events.

Events come late, twice and out of order (OpenLineage#2104, #1041; marquez#2264), so every field is folded by an
operation that does not care: earliest, latest, largest, or the value with the newest event time (of two with the same
time, the larger). Any order and any number of the same events gives the same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntFlag
from typing import Any, NamedTuple

from lineage.model import DatasetUse, Direction, Kind, Observation, RunRef, run_key

TERMINAL = {"COMPLETE": 0, "ABORT": 1, "FAIL": 2}
"""Terminal event types; of two at the same instant the worse one counts."""

UNBOUNDED = frozenset({"STREAMING", "SERVICE"})
"""Processing types without an expected terminal event (spec, jobType): RUNNING refreshes their outputs."""

SKEW = 5 * 60 * 1_000_000
"""How far (µs) an emitter's clock may run ahead of ours before we take the time of receipt instead."""


class Lifecycle(IntFlag):
    """The lifecycle changes that a run reported for a dataset, as a set."""

    NONE = 0
    DATA = 1  # CREATE, OVERWRITE, TRUNCATE or a word unknown to us
    NO_DATA = 2  # ALTER, DROP, RENAME: the dataset changed, its data did not


NO_DATA_CHANGES = frozenset({"ALTER", "DROP", "RENAME"})


@dataclass(slots=True)
class Run:
    """One run of one job, or one declaration. Times in µs UTC; field by field the columns of table ``run``."""

    id: int
    key: bytes
    job_id: int
    run_id: str
    declared: bool = False
    state: str | None = None
    first_event_at: int | None = None
    last_event_at: int | None = None
    started_at: int | None = None
    running_at: int | None = None
    running_received_at: int | None = None
    ended_at: int | None = None
    ended_received_at: int | None = None
    nominal_start_at: int | None = None
    nominal_end_at: int | None = None
    nominal_seen_at: int | None = None
    parent_key: bytes | None = None
    parent_run_id: str | None = None
    parent_job_id: int | None = None
    root_key: bytes | None = None
    root_run_id: str | None = None
    root_job_id: int | None = None
    parent_seen_at: int | None = None
    error: str | None = None
    error_seen_at: int | None = None
    processing_type: str | None = None
    processing_seen_at: int | None = None
    incomplete: bool = False
    external_id: str | None = None

    @property
    def closes_edges(self) -> bool:
        """Whether an edge that this run does not show is gone: it completed, and its emitter saw everything."""
        return self.state == "COMPLETE" and not self.incomplete


@dataclass(slots=True)
class RunUse:
    """One dataset that a run reads or writes; field by field the columns of table ``run_io``."""

    run_id: int
    dataset_id: int
    direction: int
    implied: bool = True
    derivation_id: int | None = None
    derivation_seen_at: int | None = None
    rows: int | None = None
    bytes: int | None = None
    files: int | None = None
    version: str | None = None
    version_seen_at: int | None = None
    partition: str | None = None
    partition_seen_at: int | None = None
    lifecycle: int = Lifecycle.NONE
    artificial: bool = False


class Update(NamedTuple):
    """A freshness fact: this run brought new data into this dataset. Columns of table ``dataset_update``."""

    dataset_id: int
    event_time: int
    run_id: int
    received_at: int
    nominal_at: int | None
    partition: str | None
    version: str | None
    rows: int | None
    kind: str


def absorb(run: Run, seen: Observation) -> None:
    """Fold what one event says into its run."""
    time, received_at = seen.time, seen.received_at
    # A UUID may be spelled in capitals or without dashes.
    run.run_id = min(run.run_id, seen.run_id)
    run.first_event_at = time if run.first_event_at is None else min(run.first_event_at, time)
    run.last_event_at = time if run.last_event_at is None else max(run.last_event_at, time)
    event_type = seen.event_type if seen.kind is Kind.RUN else "COMPLETE"
    if event_type in TERMINAL:
        # Of two that say the same, the one received first counts.
        if run.ended_at is None or (time, TERMINAL[event_type], -received_at) > (
            run.ended_at,
            TERMINAL.get(run.state or "", 0),
            -(run.ended_received_at or 0),
        ):
            run.state, run.ended_at, run.ended_received_at = event_type, time, received_at
    elif event_type == "START":
        run.started_at = time if run.started_at is None else min(run.started_at, time)
    elif event_type == "RUNNING" and (
        run.running_at is None or (time, -received_at) > (run.running_at, -(run.running_received_at or 0))
    ):
        run.running_at, run.running_received_at = time, received_at
    if run.ended_at is None:
        run.state = "OTHER" if run.started_at is None and run.running_at is None else "RUNNING"
    run.incomplete = run.incomplete or seen.incomplete or not seen.declares_lineage
    if seen.external_id is not None:
        run.external_id = min(run.external_id or seen.external_id, seen.external_id)
    if seen.nominal_start is not None:
        _absorb_nominal(run, time, seen.nominal_start, seen.nominal_end)
    if seen.parent is not None:
        _absorb_parent(run, time, seen.parent, seen.root)
    if seen.error is not None and _newer(time, seen.error, run.error_seen_at, run.error):
        run.error_seen_at, run.error = time, seen.error
    if seen.processing_type is not None and _newer(
        time, seen.processing_type, run.processing_seen_at, run.processing_type
    ):
        run.processing_seen_at, run.processing_type = time, seen.processing_type


def _absorb_nominal(run: Run, time: int, start: int, end: int | None) -> None:
    def rank(start: int, end: int | None) -> tuple[int, bool, int]:
        return start, end is not None, end or 0

    if (
        run.nominal_seen_at is None
        or run.nominal_start_at is None
        or (time, rank(start, end)) > (run.nominal_seen_at, rank(run.nominal_start_at, run.nominal_end_at))
    ):
        run.nominal_seen_at, run.nominal_start_at, run.nominal_end_at = time, start, end


def _absorb_parent(run: Run, time: int, parent: RunRef, root: RunRef | None) -> None:
    def parts(ref: RunRef | None) -> tuple[bytes | None, str | None, int | None]:
        return (
            (run_key(ref.run_id), ref.run_id, ref.job.id if ref.job else None) if ref else (None, None, None)
        )

    def rank(*values: object) -> tuple[str, ...]:
        return tuple("" if value is None else str(value) for value in values)

    new = (*parts(parent), *parts(root))
    old = (
        run.parent_key,
        run.parent_run_id,
        run.parent_job_id,
        run.root_key,
        run.root_run_id,
        run.root_job_id,
    )
    if run.parent_seen_at is None or (time, rank(*new)) > (run.parent_seen_at, rank(*old)):
        run.parent_seen_at = time
        run.parent_key, run.parent_run_id, run.parent_job_id = new[:3]
        run.root_key, run.root_run_id, run.root_job_id = new[3:]


def absorb_use(held: RunUse, use: DatasetUse, derivation_id: int | None, time: int) -> None:
    """Fold what one event says about one dataset of its run. ``derivation_id`` stands for ``use.sources``."""
    held.implied = held.implied and use.implied
    if derivation_id is not None and _newer(time, derivation_id, held.derivation_seen_at, held.derivation_id):
        held.derivation_id, held.derivation_seen_at = derivation_id, time
    held.rows = _larger(held.rows, use.rows)
    held.bytes = _larger(held.bytes, use.bytes)
    held.files = _larger(held.files, use.files)
    if use.version is not None and _newer(time, use.version, held.version_seen_at, held.version):
        held.version, held.version_seen_at = use.version, time
    if use.partition is not None and _newer(time, use.partition, held.partition_seen_at, held.partition):
        held.partition, held.partition_seen_at = use.partition, time
    if use.lifecycle is not None:
        held.lifecycle |= Lifecycle.NO_DATA if use.lifecycle in NO_DATA_CHANGES else Lifecycle.DATA
    held.artificial = held.artificial or use.artificial


def updates(run: Run, uses: Iterable[RunUse]) -> Iterator[Update]:
    """Give the freshness facts of a run, as it stands.

    A COMPLETE run refreshes the union of its outputs; a STREAMING or SERVICE one also while RUNNING. A declaration
    (DatasetEvent) refreshes when it names a new version or a change of data. FAIL, ABORT and START refresh nothing,
    nor does a run that only altered, dropped or renamed the dataset, nor anything an artificial dataset.
    """
    at, received_at, kind = None, None, "run"
    if run.state == "COMPLETE":
        at, received_at = run.ended_at, run.ended_received_at
    if (
        run.processing_type in UNBOUNDED
        and run.running_at is not None
        and (at is None or run.running_at > at)
    ):
        at, received_at, kind = run.running_at, run.running_received_at, "stream"
    if run.declared:
        kind = "declared"
    if at is None or received_at is None:
        return
    at = received_at if at > received_at + SKEW else at
    for use in uses:
        if use.direction != Direction.OUTPUT or use.artificial or use.lifecycle == Lifecycle.NO_DATA:
            continue
        if run.declared and not (use.version or use.lifecycle & Lifecycle.DATA):
            continue
        yield Update(
            use.dataset_id,
            at,
            run.id,
            received_at,
            run.nominal_start_at,
            use.partition,
            use.version,
            use.rows,
            kind,
        )


def _newer(time: int, value: Any, held_time: int | None, held: Any) -> bool:
    return held_time is None or held is None or (time, value) > (held_time, held)


def _larger(held: int | None, value: int | None) -> int | None:
    if held is None or value is None:
        return value if held is None else held
    return max(held, value)
