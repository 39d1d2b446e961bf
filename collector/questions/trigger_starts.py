"""What triggers start, as far as anybody knows: what they say, what they started before, or what is called so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from collector.storage.effects import runs_under
from collector.storage.started_jobs import Recognised, jobs_named, recognised, with_parts
from lineage.model import JobRef
from triggers.conditions import NAMESPACE, Action, Trigger
from triggers.rules import RuleSet

NEWEST: Final = 20
"""Runs started by a trigger that tell what it starts."""

WHAT_STARTS: Final = ("dag", "asset", "deployment", "job", "job_id")
"""Options of actions that say what is started: with another value, what was started before tells nothing."""

NAMED_BY: Final = {"airflow": "dag", "prefect": "deployment", "dagster": "job"}
"""Kinds of targets, and the option from which the name of the job in their events follows."""


@dataclass(slots=True)
class Start:
    """An action, and the jobs that it starts; none: nobody knows."""

    trigger: Trigger
    action: Action
    jobs: set[JobRef] = field(default_factory=set)
    run_keys: set[bytes] = field(default_factory=set)
    """Of runs that it started."""
    workers: set[int] = field(default_factory=set)
    """Ids of the jobs, and of all that work under them."""


def starts_of(conn: Connection, rules: RuleSet) -> list[Start]:
    """Find what the actions of all triggers start."""
    found = [
        start
        for trigger in rules.triggers.values()
        for start in _started_before(
            conn, [Start(trigger, each) for each in trigger.actions if each.starts], trigger.id
        )
    ]
    guesses: list[tuple[Start, str]] = []
    for start in found:
        if start.action.job is not None:
            start.jobs, start.run_keys = {JobRef(*start.action.job)}, set()
        elif not start.jobs and (name := _guess(start.action, rules)):
            guesses.append((start, name))
    named = jobs_named(conn, {name for _, name in guesses}, NAMESPACE)
    for start, name in guesses:
        if len(named.get(name, ())) == 1:
            start.jobs = set(named[name])
    _find_workers(conn, found)
    return found


def _started_before(conn: Connection, starts: list[Start], trigger_id: str) -> list[Start]:
    before = list(recognised(conn, trigger_id, NEWEST)) if starts else []
    for start in starts:
        mine = [each for each in before if _same(start.action, each)]
        start.jobs = {each.job for each in mine}
        start.run_keys = {each.run_key for each in mine}
    return starts


def _same(action: Action, before: Recognised) -> bool:
    if (action.id, action.target) != (before.action_id, before.target_id):
        return False
    said = {key: action.options.get(key) for key in WHAT_STARTS}
    return all(_is_template(value) or before.options.get(key) == value for key, value in said.items())


def _guess(action: Action, rules: RuleSet) -> str | None:
    """Give the name that the job will have, going by the conventions of its tool."""
    kind = rules.targets[action.target].kind
    said = action.options.get(NAMED_BY.get(kind, ""))
    if not isinstance(said, str) or _is_template(said):
        return None
    # The job is the flow, whichever of its deployments runs.
    return said.partition("/")[0] if kind == "prefect" else said


def _is_template(value: object) -> bool:
    return isinstance(value, str) and "{" in value


def _find_workers(conn: Connection, starts: Collection[Start]) -> None:
    parts = with_parts(conn, {job.id for start in starts for job in start.jobs})
    under = runs_under(conn, {key for start in starts for key in start.run_keys})
    for start in starts:
        start.workers = {id_ for job in start.jobs for id_ in parts[job.id]}
        start.workers |= {each.job_id for key in start.run_keys for each in under[key]}
