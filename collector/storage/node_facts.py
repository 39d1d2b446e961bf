"""What is known of many jobs and datasets at once: who owns them, how fresh they are, how their runs went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Dialect, bindparam, exists, func, select

from collector.storage.dataset_reads import Update, deleted_at, last_updates
from collector.storage.facet_reads import FacetVersion, current_facet
from collector.storage.folding import members
from collector.storage.prepared import Prepared
from collector.storage.runs import RunRow, last_run_ids, runs_by_id
from collector.storage.selects import chunks
from collector.storage.tables import assertion, dataset, derivation, edge, job, run
from collector.storage.upsert import MANY, among, among_parameter, many
from collector.storage.visibility import Visible
from lineage.causes import Check, History
from lineage.fold import Fold
from lineage.model import Direction

LIFECYCLE = "lifecycleStateChange"

HISTORY = 50
"""Runs of a job that tell what is usual."""


class Owner(NamedTuple):
    """Who answers for a job or dataset, as the ``ownership`` facet has it."""

    name: str
    type: str | None


def all_names(conn: Connection, dataset_ids: Collection[int]) -> dict[int, list[int]]:
    """Give the ids of all names of each of these datasets, its own among them."""
    found: dict[int, list[int]] = defaultdict(list)
    for row in _all_names(conn.dialect).run(conn, {"ids": many(conn, dataset_ids)}):
        found[row.id].append(row.name_id)
    return found


@lru_cache
def _all_names(dialect: Dialect) -> Prepared:
    other = dataset.alias("other")
    mine = among_parameter(dialect, dataset.c.id, bindparam("ids", type_=MANY))
    joined = select(dataset.c.id, other.c.id.label("name_id")).join_from(
        dataset, other, other.c.canonical_id == dataset.c.canonical_id
    )
    return Prepared(joined.where(mine), dialect)


def canonical(conn: Connection, dataset_ids: Collection[int]) -> dict[int, int]:
    """Give the canonical id of each of these datasets."""
    if not dataset_ids:
        return {}
    rows = _canonical(conn.dialect).run(conn, {"ids": many(conn, dataset_ids)})
    return {row.id: row.canonical_id for row in rows}


@lru_cache
def _canonical(dialect: Dialect) -> Prepared:
    among_ids = among_parameter(dialect, dataset.c.id, bindparam("ids", type_=MANY))
    return Prepared(select(dataset.c.id, dataset.c.canonical_id).where(among_ids), dialect)


def owners(conn: Connection, ids: Sequence[int]) -> dict[int, list[Owner]]:
    """Give the owners of jobs and datasets, of those that have any."""
    found: dict[int, list[Owner]] = {}
    for id_, body in _bodies(conn, ids, "ownership").items():
        if named := owners_in(body):
            found[id_] = named
    return found


def owners_in(body: Mapping[str, Any]) -> list[Owner]:
    """Read the body of an ``ownership`` facet."""
    listed = body.get("owners")
    return [
        Owner(item["name"], item["type"] if isinstance(item.get("type"), str) else None)
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, dict) and isinstance(item.get("name"), str)
    ]


def tools(conn: Connection, job_ids: Sequence[int]) -> dict[int, str]:
    """Give the tools of jobs: SPARK, DBT and so on, as the ``jobType`` facet has them."""
    return {
        id_: body["integration"]
        for id_, body in _bodies(conn, job_ids, "jobType").items()
        if isinstance(body.get("integration"), str)
    }


def newest_updates(conn: Connection, dataset_ids: Collection[int], visible: Visible) -> dict[int, Update]:
    """Give the update that each of these datasets is as fresh as, whichever of its names it came under."""
    names = all_names(conn, dataset_ids)
    updates: dict[int, Update] = {}
    for part in chunks(sorted({name_id for ids in names.values() for name_id in ids})):
        updates |= last_updates(conn, part, visible)
    return {
        id_: max(known, key=lambda update: update.event_time)
        for id_, ids in names.items()
        if (known := [updates[name_id] for name_id in ids if name_id in updates])
    }


def newest_runs(conn: Connection, job_ids: Sequence[int], visible: Visible) -> dict[int, RunRow]:
    """Give the newest run of each of these jobs, of those that have one."""
    ids = last_run_ids(conn, job_ids) if job_ids else {}
    runs = runs_by_id(conn, ids.values(), visible)
    return {job_id: runs[run_id] for job_id, run_id in ids.items() if run_id in runs}


def histories(conn: Connection, job_ids: Collection[int]) -> dict[int, History]:
    """Give what is usual for each of these jobs, from its newest runs."""
    mine = (run.c.job_id == job.c.id, run.c.declared.is_(False), run.c.first_event_at.is_not(None))
    back = select(run.c.first_event_at).where(*mine).order_by(run.c.first_event_at.desc())
    since = func.coalesce(back.limit(1).offset(HISTORY).correlate(job).scalar_subquery(), 0)
    began = func.coalesce(run.c.started_at, run.c.first_event_at)
    rows = conn.execute(
        select(run.c.job_id, run.c.state, began.label("began"), run.c.ended_at)
        .join_from(job, run, run.c.job_id == job.c.id)
        .where(among(conn, job.c.id, job_ids), run.c.declared.is_(False), run.c.first_event_at >= since)
    )
    found: dict[int, list[tuple[str | None, int, int | None]]] = defaultdict(list)
    for row in rows:
        found[row.job_id].append((row.state, row.began, row.ended_at))
    return {job_id: History.of(runs) for job_id, runs in found.items()}


def failed_checks(conn: Connection, dataset_ids: Collection[int]) -> dict[int, list[Check]]:
    """Give, for each of these datasets, the checks that failed the last time, those that failed last first."""
    names = all_names(conn, dataset_ids)
    wanted = among(conn, assertion.c.dataset_id, {name_id for ids in names.values() for name_id in ids})
    by_check = (assertion.c.dataset_id, assertion.c.key)
    last = (
        select(*by_check, func.max(assertion.c.event_time).label("at"))
        .where(wanted)
        .group_by(*by_check)
        .subquery()
    )
    rows = conn.execute(
        select(assertion)
        .join_from(
            assertion,
            last,
            (assertion.c.dataset_id == last.c.dataset_id)
            & (assertion.c.key == last.c.key)
            & (assertion.c.event_time == last.c.at),
        )
        .where(assertion.c.success.is_(False), wanted)
        .order_by(assertion.c.event_time.desc(), assertion.c.key)
    )
    found: dict[int, dict[int, Check]] = defaultdict(dict)
    for row in rows:
        name = check_name(row.name, row.assertion, row.column)
        found[row.dataset_id].setdefault(row.key, Check(name, row.event_time, row.severity))
    return {
        id_: checks
        for id_, ids in names.items()
        if (checks := [check for name_id in ids for check in found.get(name_id, {}).values()])
    }


def check_name(name: str | None, assertion: str, column: str | None) -> str:
    """Say which check it is, as people name it, in rules too."""
    return name or (f"{assertion}({column})" if column else assertion)


def dropped(conn: Connection, dataset_ids: Collection[int], updates: Mapping[int, Update]) -> dict[int, int]:
    """Give, of those of these datasets that are gone, since when: under any of their names, and not updated since."""
    names = all_names(conn, dataset_ids)
    versions: dict[int, FacetVersion] = {}
    for part in chunks(sorted({name_id for ids in names.values() for name_id in ids})):
        versions |= current_facet(conn, part, LIFECYCLE)
    found = {
        id_: [
            deleted_at({LIFECYCLE: versions[name_id]}, updates.get(id_))
            for name_id in ids
            if name_id in versions
        ]
        for id_, ids in names.items()
    }
    return {id_: max(known) for id_, ats in found.items() if (known := [at for at in ats if at is not None])}


def told_columns(conn: Connection, job_ids: Collection[int], fold: Fold) -> set[tuple[int, int]]:
    """Give (job, canonical dataset) where all that a job writes into the dataset says from which columns."""
    folded = members(conn, fold, job_ids).cte("members")
    told = exists().where(derivation.c.id == edge.c.derivation_id, derivation.c.field.is_not(None))
    rows = conn.execute(
        select(folded.c.stand, dataset.c.canonical_id, told.label("told"))
        .join_from(folded, edge, edge.c.job_id == folded.c.id)
        .join(dataset, dataset.c.id == edge.c.dataset_id)
        .where(edge.c.direction == int(Direction.OUTPUT), edge.c.valid_to.is_(None))
    ).all()
    untold = {(row.stand, row.canonical_id) for row in rows if not row.told}
    return {(row.stand, row.canonical_id) for row in rows} - untold


def _bodies(conn: Connection, ids: Sequence[int], name: str) -> dict[int, dict[str, Any]]:
    if not ids:
        return {}
    decoded = {
        id_: msgspec.json.decode(version.body) for id_, version in current_facet(conn, ids, name).items()
    }
    return {id_: body for id_, body in decoded.items() if isinstance(body, dict)}
