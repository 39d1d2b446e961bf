"""Runs that read what others wrote, as ``lineage.run_lineage`` asks for them: one statement a question."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Select, exists, func, literal, select

from collector.errors import FieldError, NotFound, Unprocessable
from collector.storage.catalog import resolve_node
from collector.storage.graph import SqlGraph, everything
from collector.storage.runs import find_runs
from collector.storage.tables import dataset, dataset_update, edge, job, namespace, run, run_io
from collector.storage.upsert import among
from collector.storage.visibility import Visible
from lineage.model import Direction, JobRef
from lineage.run_lineage import Read, RunKnown
from lineage.traverse import Named

FOREVER: Final = literal(2**63 - 1, BigInteger)
"""Not written again. As a number the index finds both ends of the time."""

MOST_CANDIDATES = 20
"""Runs with the same id of which an error tells."""


class SqlRuns:
    """Satisfies ``lineage.run_lineage.RunGraph``. ``sees`` tells of a namespace whether the caller may see it."""

    def __init__(self, conn: Connection, sees: Callable[[str], bool] = everything) -> None:
        self._conn = conn
        self._sees = sees
        self._graph = SqlGraph(conn, sees=sees)

    def reads_of(self, run_ids: Collection[int]) -> Iterable[Read]:
        reading = (
            select(run.c.id, run.c.first_event_at, dataset.c.canonical_id, run_io.c.version)
            .join_from(run, run_io, run_io.c.run_id == run.c.id)
            .join(dataset, dataset.c.id == run_io.c.dataset_id)
            .where(
                among(self._conn, run.c.id, run_ids),
                run_io.c.direction == int(Direction.INPUT),
                dataset.c.job_id.is_(None),
            )
        )
        return self._reads(reading, None)

    def readers_of(self, run_ids: Collection[int]) -> Iterable[Read]:
        """Look at the runs of the dataset's readers from the update on until the next one.

        Whoever has read it at all, ever, would be as many runs as the history of a busy dataset has.
        """
        written = self._written(run_ids).cte("written")
        name = dataset.alias("name")
        jobs = (
            select(written.c.canonical_id, written.c.event_time, written.c.until, name.c.id, edge.c.job_id)
            .join_from(written, name, name.c.canonical_id == written.c.canonical_id)
            .join(edge, edge.c.dataset_id == name.c.id)
            .where(edge.c.direction == int(Direction.INPUT))
            .distinct()
            .subquery()
        )
        reading = (
            select(run.c.id, run.c.first_event_at, jobs.c.canonical_id, run_io.c.version)
            .join_from(jobs, run, run.c.job_id == jobs.c.job_id)
            .join(run_io, (run_io.c.run_id == run.c.id) & (run_io.c.dataset_id == jobs.c.id))
            .where(
                run.c.first_event_at >= jobs.c.event_time,
                run.c.first_event_at <= jobs.c.until,
                run_io.c.direction == int(Direction.INPUT),
                run.c.declared.is_(False),
            )
        )
        return self._reads(reading, run_ids)

    def _written(self, run_ids: Collection[int]) -> Select[Any]:
        """Give (canonical id, time of the update, time of the next update by anybody) of what runs have written."""
        name, later = dataset.alias("name"), dataset_update.alias("later")
        # The time of an update is one of these. By the run alone no index finds it among those of its dataset.
        times = (run.c.ended_at, run.c.ended_received_at, run.c.running_at, run.c.running_received_at)
        one = (
            select(later.c.event_time)
            .where(later.c.dataset_id == name.c.id, later.c.event_time > dataset_update.c.event_time)
            .order_by(later.c.event_time)
            .limit(1)
            .correlate(name, dataset_update)
        )
        until = (
            select(func.min(one.scalar_subquery()))
            .where(name.c.canonical_id == dataset.c.canonical_id)
            .correlate(dataset, dataset_update)
        )
        return (
            select(
                dataset.c.canonical_id,
                dataset_update.c.event_time,
                func.coalesce(until.scalar_subquery(), FOREVER).label("until"),
            )
            .join_from(run, run_io, run_io.c.run_id == run.c.id)
            .join(
                dataset_update,
                (dataset_update.c.dataset_id == run_io.c.dataset_id)
                & dataset_update.c.event_time.in_(times)
                & (dataset_update.c.run_id == run.c.id),
            )
            .join(dataset, dataset.c.id == dataset_update.c.dataset_id)
            .where(among(self._conn, run.c.id, run_ids), run_io.c.direction == int(Direction.OUTPUT))
        )

    def _reads(self, reading: Select[Any], writers: Collection[int] | None) -> Iterator[Read]:
        """Find whose update each of the rows (run, its start, dataset, version) of ``reading`` saw.

        A run does not read what it writes itself, though its only event may stand for its start and its end. Given
        ``writers``, only what is theirs counts.
        """
        read = reading.distinct().subquery("read")
        name, update = dataset.alias("name"), dataset_update.alias("update")
        others = (update.c.dataset_id == name.c.id, update.c.run_id != read.c.id)
        one = (
            select(update.c.event_time)
            .where(*others, update.c.event_time <= read.c.first_event_at)
            .order_by(update.c.event_time.desc())
            .limit(1)
            .correlate(name, read)
        )
        newest = (
            select(func.max(one.scalar_subquery()))
            .where(name.c.canonical_id == read.c.canonical_id)
            .correlate(read)
        )
        timed = select(read, newest.scalar_subquery().label("at")).cte("timed")
        written = (
            select(func.max(update.c.run_id))
            .join_from(name, update, update.c.dataset_id == name.c.id)
            .where(
                name.c.canonical_id == timed.c.canonical_id,
                update.c.event_time == timed.c.at,
                update.c.run_id != timed.c.id,
            )
            .correlate(timed)
        )
        told = select(timed, written.scalar_subquery().label("writer")).cte("told")
        writer = run.alias("writer")
        statement = select(told, writer.c.id.label("writer_id")).outerjoin_from(
            # A declaration is no run; nobody knows which run brought what it tells of.
            told,
            writer,
            (writer.c.id == told.c.writer) & writer.c.declared.is_(False),
        )
        if writers is not None:
            statement = statement.where(among(self._conn, told.c.writer, writers))
        for row in self._conn.execute(statement):
            yield Read(row.id, row.canonical_id, row.writer_id, row.version)

    def runs(self, run_ids: Collection[int]) -> Mapping[int, RunKnown]:
        if not run_ids:
            return {}
        other = run.alias("other")
        same = (other.c.key == run.c.key, other.c.job_id != run.c.job_id, other.c.declared.is_(False))
        statement = (
            select(run, job.c.name.label("job_name"), namespace.c.name.label("place"))
            .add_columns(exists().where(*same).correlate(run).label("shared"))
            .join_from(run, job, job.c.id == run.c.job_id)
            .join(namespace, namespace.c.id == job.c.namespace_id)
            .where(among(self._conn, run.c.id, run_ids), run.c.declared.is_(False))
        )
        return {
            row.id: RunKnown(
                row.run_id,
                JobRef(row.place, row.job_name),
                bool(row.shared),
                row.state,
                row.started_at if row.started_at is not None else row.first_event_at,
                row.ended_at,
            )
            for row in self._conn.execute(statement)
            if self._sees(row.place)
        }

    def datasets(self, dataset_ids: Collection[int]) -> Mapping[int, Named]:
        return self._graph.datasets(dataset_ids)


def resolve_run(conn: Connection, text: str, visible: Visible = None) -> int:
    """Find the run that ``run:RUNID`` means, or ``run:RUNID:job:NS:NAME`` where runs of several jobs share the id.

    Gives the id of its row. Raises ``NotFound`` for none, ``Unprocessable`` naming the candidates for several.
    """
    kind, _, rest = text.partition(":")
    if kind != "run" or not rest:
        detail = "A run is written run:RUNID, or run:RUNID:job:NAMESPACE:NAME."
        raise Unprocessable(detail, errors=(FieldError("$.node", f"{text!r} is none"),))
    run_id, job_part, named = rest.partition(":job:")
    found = find_runs(conn, rest, None, visible=visible, limit=MOST_CANDIDATES)
    if not found and job_part:
        owner = resolve_node(conn, f"job:{named}", visible)
        found = find_runs(conn, run_id, (owner.namespace, owner.name), visible=visible, limit=1)
    if not found:
        raise NotFound(f"There is no node {text!r}.")
    if len(found) > 1:
        candidates = (f"run:{each.run_id}:job:{each.job.namespace}:{each.job.name}" for each in found)
        raise Unprocessable(
            f"Several jobs have a run {rest!r}; name one with its job.",
            errors=tuple(FieldError("$.node", f"may be {candidate!r}") for candidate in candidates),
        )
    return found[0].id
