"""Names of jobs as Marquez has them: a job that has a parent is called ``parent.child``.

The name that an event gives a job may begin with its parent's already (Airflow's ``dag.task``), or not (Spark's
``app`` under Airflow's ``dag.task`` is ``dag.task.app``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Dialect, and_, bindparam, literal_column, select

from collector.storage.prepared import Prepared
from collector.storage.tables import job, namespace
from collector.storage.upsert import MANY, among, among_parameter, many
from collector.storage.visibility import Visible, sees, within
from lineage.model import entity_id

MAX_ANCESTORS = 10
"""How far up a name goes. Real jobs have three; without a limit two jobs that name each other have no end."""

MAX_SUFFIXES = 1000
"""Parts of a name that are looked up when it is no job's own."""


@dataclass(frozen=True, slots=True)
class JobName:
    """A job, by the name in its events (``own``) and by the one that Marquez has for it."""

    id: int
    namespace: str
    own: str
    full: str
    simple: str
    parent_id: int | None
    parent: str | None


def full_names(
    conn: Connection, job_ids: Collection[int], may_see: Callable[[str], bool]
) -> dict[int, JobName]:
    """Give the names of jobs by id, in one statement.

    A job of which the caller may not see the parent, by its namespace, is one without a parent.
    """
    if not job_ids:
        return {}
    lines: dict[int, list[Any]] = {}
    for row in _ancestors(conn.dialect).run(conn, {"ids": many(conn, job_ids)}).all():
        lines.setdefault(row.start, []).append(row)
    names = {}
    for start, line in lines.items():
        job_, *ancestors = sorted(line, key=lambda row: row.depth)
        names[start] = _name([job_, *takewhile(lambda row: may_see(row.namespace), ancestors)])
    return names


def find_jobs(
    conn: Connection, wanted: Collection[tuple[str, str]], visible: Visible
) -> dict[tuple[str, str], JobName]:
    """Find jobs by (namespace, name), by their own names or, if nobody has it for his own, by full ones."""
    tails: dict[int, list[tuple[str, str]]] = {}
    for place, name in wanted:
        for tail in _suffixes(name):
            tails.setdefault(entity_id("job", place, tail), []).append((place, name))
    there = select(job.c.id).where(
        among(conn, job.c.id, tails), job.c.dataset_id.is_(None), within(job.c.namespace_id, visible)
    )
    found: dict[tuple[str, str], JobName] = {}
    for id_, known in full_names(conn, [row.id for row in conn.execute(there)], sees(visible)).items():
        for pair in tails[id_]:
            if known.own == pair[1] or (known.full == pair[1] and pair not in found):
                found[pair] = known
    return found


def _suffixes(name: str) -> Sequence[str]:
    # The own name of a job is always the end of its full one.
    dots = [at for at, character in enumerate(name) if character == "."][-MAX_SUFFIXES:]
    return [name, *(name[at + 1 :] for at in dots)]


@lru_cache
def _ancestors(dialect: Dialect) -> Prepared:
    columns = (job.c.id, job.c.name, job.c.namespace_id, job.c.parent_id)
    begin = select(job.c.id.label("start"), literal_column("0").label("depth"), *columns)
    asked = among_parameter(dialect, job.c.id, bindparam("ids", None, type_=MANY))
    line = begin.where(asked).cte("line", recursive=True)
    upper = job.alias("upper")
    step = select(
        line.c.start, line.c.depth + 1, upper.c.id, upper.c.name, upper.c.namespace_id, upper.c.parent_id
    )
    above = and_(upper.c.id == line.c.parent_id, line.c.depth < MAX_ANCESTORS, upper.c.id != line.c.id)
    line = line.union_all(step.join_from(line, upper, above))
    statement = select(line, namespace.c.name.label("namespace")).outerjoin_from(
        line, namespace, namespace.c.id == line.c.namespace_id
    )
    return Prepared(statement, dialect)


def _name(line: Sequence[Any]) -> JobName:
    """Put the full name together: ``line`` is a job and its ancestors, the nearest first."""
    job_, *ancestors = line
    full: str | None = None
    simple = job_.name
    parent: str | None = None
    for row, above in zip(reversed(line), [None, *reversed(ancestors)], strict=True):
        simple = row.name if above is None else row.name.removeprefix(f"{above.name}.") or row.name
        parent, full = full, simple if full is None else f"{full}.{simple}"
    parent_id = ancestors[0].id if ancestors else None
    return JobName(job_.id, job_.namespace, job_.name, full or simple, simple, parent_id, parent)


def by_id(names: Mapping[int, JobName], job_id: int | None) -> JobName | None:
    """Give the name of a job that may not be known."""
    return None if job_id is None else names.get(job_id)
