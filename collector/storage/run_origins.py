"""Where runs come from: the runs that one is part of, the firing that started it; and the triggers beside a job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, literal, or_, select

from collector.storage.runs import RunRow, runs_by_id
from collector.storage.tables import dataset, edge, firing, firing_action, job, run, trigger_binding
from collector.storage.trigger_reads import may_see
from collector.storage.visibility import Visible
from lineage.model import Direction, run_key
from triggers.conditions import NAMESPACE as TRIGGERS

DEEPEST = 10
"""Runs one part of the other that are looked at."""

MOST_SHARED = 100
"""Rows that are read of them: jobs share run ids, and a parent facet need not say which job it means."""

NEWEST = 100
"""Runs of a job of which it is looked up what started them."""


class StartedBy(NamedTuple):
    """The firing that started a run, and its trigger."""

    firing: str
    trigger: str


def ancestors(conn: Connection, row_id: int, visible: Visible) -> list[RunRow]:
    """Give the runs that a run is part of, the outermost first.

    The line ends where several runs may be meant, where the caller may not see one, and where it comes back to itself.
    """
    above = select(run.c.id, literal(0).label("depth")).where(run.c.id == row_id).cte("above", recursive=True)
    child, parent = run.alias("child"), run.alias("parent")
    same_job = or_(child.c.parent_job_id.is_(None), parent.c.job_id == child.c.parent_job_id)
    above = above.union(
        select(parent.c.id, above.c.depth + 1)
        .join_from(above, child, child.c.id == above.c.id)
        .join(parent, (parent.c.key == child.c.parent_key) & same_job & parent.c.declared.is_(False))
        .where(above.c.depth < DEEPEST)
    )
    levels: dict[int, list[int]] = defaultdict(list)
    for id_, depth in conn.execute(select(above.c.id, above.c.depth).limit(MOST_SHARED)):
        levels[depth].append(id_)
    line: list[int] = []
    for depth in range(1, len(levels)):
        if len(levels[depth]) > 1 or levels[depth][0] in (row_id, *line):
            break
        line.append(levels[depth][0])
    rows = runs_by_id(conn, line, visible)
    seen: list[RunRow] = []
    for id_ in line:
        if id_ not in rows:
            break
        seen.append(rows[id_])
    return seen[::-1]


def started_by(conn: Connection, found: RunRow, visible: Visible) -> StartedBy | None:
    """Give the firing that started a run, or that a run of a trigger's job is; None also if it may not be seen."""
    wanted = select(firing.c.id, firing.c.trigger_id)
    if found.job.namespace == TRIGGERS:
        wanted = wanted.where(firing.c.id == found.run_id)
    else:
        wanted = wanted.join(firing_action, firing_action.c.firing_id == firing.c.id).where(
            firing_action.c.run_key == run_key(found.run_id),
            firing_action.c.job_namespace == found.job.namespace,
            firing_action.c.job_name == found.job.name,
        )
    seen = wanted.where(may_see(firing.c.trigger_id, visible)).order_by(firing.c.at.desc()).limit(1)
    row = conn.execute(seen).first()
    return None if row is None else StartedBy(*row)


def starters(conn: Connection, job_id: int) -> set[str]:
    """Give the ids of the triggers that started one of the newest runs of a job."""
    newest = (
        select(run.c.key)
        .where(run.c.job_id == job_id, run.c.declared.is_(False), run.c.first_event_at.is_not(None))
        .order_by(run.c.first_event_at.desc())
        .limit(NEWEST)
        .subquery()
    )
    started = select(firing.c.trigger_id).join_from(
        newest, firing_action, firing_action.c.run_key == newest.c.key
    )
    # Of several jobs that share a run id one was recognised.
    named = started.join(firing, firing.c.id == firing_action.c.firing_id).join(
        job, (job.c.id == job_id) & (job.c.name == firing_action.c.job_name)
    )
    return set(conn.execute(named.distinct()).scalars())


def waiting_for(conn: Connection, dataset_ids: Collection[int]) -> set[str]:
    """Give the ids of the triggers that wait for any of these datasets (canonical ids)."""
    mine = trigger_binding.c.dataset_id.in_(dataset_ids)
    return set(conn.execute(select(trigger_binding.c.trigger_id).where(mine).distinct()).scalars())


def written_by(conn: Connection, job_id: int) -> set[int]:
    """Give the canonical ids of the datasets that a job writes now."""
    written = (
        select(dataset.c.canonical_id)
        .join_from(edge, dataset, dataset.c.id == edge.c.dataset_id)
        .where(edge.c.job_id == job_id, edge.c.direction == int(Direction.OUTPUT))
        .where(edge.c.valid_to.is_(None), dataset.c.job_id.is_(None))
    )
    return set(conn.execute(written).scalars())
