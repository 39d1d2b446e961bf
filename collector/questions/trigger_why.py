"""Why a trigger has not fired: what has come, what is missing, and what goes on upstream of that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from collector.questions import trigger_sentences
from collector.questions.root_cause import RootCause, root_cause
from collector.questions.scope import Scope
from collector.questions.trigger_sentences import leaves
from collector.questions.triggers import Shown, Triggers
from collector.storage.dataset_reads import Update
from collector.storage.firing_reads import FiringRow, Wanted
from collector.storage.node_facts import canonical, newest_runs, newest_updates
from collector.storage.runs import RunRow
from collector.storage.trigger_reads import JoinRow
from lineage.causes import Fault
from lineage.model import DatasetRef
from lineage.traverse import Way, text
from triggers.sentences import moment

MOST_DATASETS = 5
"""Of one input, that are looked at."""

CAUSES = 3


@dataclass(frozen=True, slots=True)
class Missing:
    """A dataset that an input waits for, and what goes on upstream of it."""

    input: str
    dataset: DatasetRef
    node: str
    last_update: Update | None
    running: list[RunRow]
    """The newest runs of jobs upstream that have not ended, the nearest job first."""
    upstream: RootCause | None
    """None: no event has named it."""
    sentence: str


@dataclass(frozen=True, slots=True)
class TriggerWhy:
    """All that there is to say about how a trigger stands."""

    shown: Shown
    sentence: str
    """What to know first."""
    joins: list[JoinRow]
    """Those that are open, the one to look at first at the top."""
    missing: list[Missing]
    """Of the join to look at first."""
    firings: list[FiringRow]
    """The newest."""


def trigger_why(scope: Scope, trigger_id: str, *, key: str | None = None, depth: int) -> TriggerWhy:
    """Tell why a trigger stands as it does, looking at most ``depth`` edges upstream of what is missing.

    With a ``key`` the join of that key is looked at first. Raises ``NotFound`` if there is none, and for a trigger of
    which the caller may see nothing.
    """
    answers = Triggers(scope)
    shown = answers.find(trigger_id)
    if key is not None:
        shown = answers.looking_at(shown, key)
    foremost = shown.row.foremost
    missing = list(_missing(scope, answers, shown, depth))
    joins = answers.open_joins(trigger_id)
    if foremost is not None:
        joins = [foremost, *(each for each in joins if each.key != foremost.key)]
    said = [trigger_sentences.of_trigger(shown), *(each.sentence for each in missing)]
    return TriggerWhy(
        shown, " ".join(said), joins, missing, answers.firings(Wanted(trigger=trigger_id)).items
    )


def _missing(scope: Scope, answers: Triggers, shown: Shown, depth: int) -> Iterator[Missing]:
    """Give what has not come, of what is not optional, as far as the caller may see it."""
    tree = None if shown.row.foremost is None else shown.row.foremost.tree
    # What has come, and waits at a gate, needs no update.
    come = set() if tree is None else {leaf["input"] for leaf in leaves(tree) if leaf.get("gate")}
    names = set(shown.waits_for) - come
    for each in answers.inputs(shown):
        if each.id is None or each.id not in names:
            continue
        for dataset in each.datasets[:MOST_DATASETS]:
            yield _described(scope, each.id, dataset, shown.trigger.timezone, depth)


def _described(scope: Scope, input_id: str, dataset: DatasetRef, timezone: str, depth: int) -> Missing:
    node = text("dataset", dataset)
    if not canonical(scope.conn, [dataset.id]):
        return Missing(input_id, dataset, node, None, [], None, f"No event has named {dataset.name} yet.")
    found = scope.walk(dataset, Way.UPSTREAM, depth)
    keys = scope.keys(found.nodes)
    ids = [
        keys[each.id][1] for each in sorted(found.nodes, key=lambda each: each.depth) if each.type == "job"
    ]
    newest = newest_runs(scope.conn, ids, scope.visible)
    running = [newest[id_] for id_ in ids if id_ in newest and newest[id_].state == "RUNNING"]
    update = newest_updates(scope.conn, [dataset.id], scope.visible).get(dataset.id)
    upstream = root_cause(scope, node, depth=depth, limit=CAUSES)
    said = [_last(dataset, update, timezone)]
    for run in running[:CAUSES]:
        since = run.started_at if run.started_at is not None else run.first_event_at
        when = "" if since is None else f" since {moment(since, timezone)}"
        said.append(f"Upstream, {run.job.namespace}:{run.job.name} runs{when}.")
    # That one runs, and nobody knows whether for too long, is said already.
    if upstream.causes and upstream.causes[0].fault is not Fault.RUNNING:
        said.append(upstream.explanation)
    return Missing(input_id, dataset, node, update, running, upstream, " ".join(said))


def _last(dataset: DatasetRef, update: Update | None, timezone: str) -> str:
    if update is None:
        return f"{dataset.name} has never been updated."
    job = "" if update.run is None else f", by {update.run.job.namespace}:{update.run.job.name}"
    return f"The last update of {dataset.name} came at {moment(update.received_at, timezone)}{job}."
