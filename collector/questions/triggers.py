"""Triggers and what they fired, as far as the caller may see: how they stand, what they wait for, what came of it.

Of an input none of whose datasets may be seen it is told whether it is there, and nothing else. What a trigger does may
be about anything: those who see some namespaces only hear how far it came, and of the runs that they may see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from collector.errors import NotFound
from collector.questions.scope import Scope
from collector.storage import firing_reads, runs, trigger_reads
from collector.storage.firing_reads import ActionRow, FiringDetail, FiringRow
from collector.storage.pages import Key, Page
from collector.storage.runs import RunRow
from collector.storage.trigger_reads import OPEN, JoinRow, TriggerRow, TriggerState
from lineage.model import DatasetRef
from triggers.conditions import AtLeast, Input, Trigger
from triggers.evaluation import missing_of
from triggers.joins import Standing
from triggers.trigger_documents import trigger_of

NAMED = 20
"""Datasets of an input that are named."""

NEAREST = 3
"""Ids that are proposed in the place of one that there is not."""

FIRINGS = 10
"""The newest firings that are shown with a trigger."""

JOINS = 20
"""Joins that are open, likewise."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A trigger as the caller may see it."""

    row: TriggerRow
    trigger: Trigger
    definition: dict[str, Any] | None
    """As the rules have it; None for those who may not see everything."""
    tree: dict[str, Any]
    """The evaluation of the join that is looked at first; of one for which nothing has come, if none is open."""
    last: FiringRow | None

    @property
    def waits_for(self) -> list[str | None]:
        """The inputs that are missing. None for one that the caller may not see."""
        return [*missing_of(self.tree)]


@dataclass(frozen=True, slots=True)
class InputShown:
    """An input of a trigger; ``id`` is None if the caller may not see it."""

    id: str | None
    optional: bool
    datasets: list[DatasetRef]
    """Some of those that it waits for, at most ``NAMED``."""
    bound: int
    """How many these are."""


@dataclass(frozen=True, slots=True)
class FiringShown:
    """A firing as the caller may see it, with the runs that its actions were recognised by."""

    detail: FiringDetail
    recognised: dict[str, RunRow]
    """By the id of the action."""


class Triggers:
    """Answers out of what the engine keeps."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._conn = scope.conn
        self._everything = scope.visible is None

    def page(self, states: Collection[TriggerState] | None, *, after: Key | None, limit: int) -> Page[Shown]:
        """List triggers by id."""
        page = trigger_reads.list_triggers(self._conn, self._scope.visible, states, after=after, limit=limit)
        return Page(self._shown(page.items), page.next)

    def find(self, trigger_id: str) -> Shown:
        """Look a trigger up; raises ``NotFound``, also for one of which the caller may see nothing."""
        row = trigger_reads.find_trigger(self._conn, trigger_id, self._scope.visible)
        if row is not None:
            return self._shown([row])[0]
        known = trigger_reads.trigger_ids(self._conn, self._scope.visible)
        near = " or ".join(map(repr, get_close_matches(trigger_id, known, NEAREST)))
        raise NotFound(f"There is no trigger {trigger_id!r}{f'; did you mean {near}?' if near else '.'}")

    def looking_at(self, shown: Shown, key: str) -> Shown:
        """Give the same trigger with the join of a key in the place of that which is looked at first.

        Raises ``NotFound`` if nothing has ever come under that key, or not for long.
        """
        found = self.joins(shown.row.id, key=key, limit=1).items
        if not found:
            raise NotFound(f"Nothing has come for {shown.row.id} under the key {key!r}.")
        seen = None if self._everything else self._seen([shown.row.id]).get(shown.row.id, frozenset())
        tree = found[0].tree or untouched(shown.trigger.when, seen)
        return replace(shown, row=replace(shown.row, foremost=found[0]), tree=tree)

    def inputs(self, shown: Shown) -> list[InputShown]:
        """Give what a trigger waits for."""
        bound, seen = trigger_reads.bound(self._conn, shown.row.id), self._seen([shown.row.id])
        found = []
        for each in shown.trigger.when.inputs():
            if not self._everything and each.id not in seen.get(shown.row.id, ()):
                found.append(InputShown(None, each.optional, [], 0))
                continue
            ids = bound.get(each.id, [])
            named = self._scope.graph().datasets(ids[:NAMED])
            refs = [DatasetRef(name.namespace, name.name) for name in named.values() if not name.hidden]
            only = DatasetRef(each.selector.namespace or "", each.selector.name or "")
            if only.id in ids and only.id not in named and self._scope.sees(only.namespace):
                refs.append(only)  # no event has named it yet
            found.append(InputShown(each.id, each.optional, sorted(refs), len(ids)))
        return found

    def joins(
        self,
        trigger_id: str,
        standings: Collection[Standing] | None = None,
        key: str | None = None,
        *,
        after: Key | None = None,
        limit: int = JOINS,
    ) -> Page[JoinRow]:
        """List the joins of a trigger that there is, those in which something changed last first."""
        page = trigger_reads.list_joins(self._conn, trigger_id, standings, key, after=after, limit=limit)
        seen = self._seen([trigger_id]).get(trigger_id, frozenset())
        return page.map(lambda join: self._join(join, seen))

    def open_joins(self, trigger_id: str) -> list[JoinRow]:
        """Give the joins of a trigger for which something has come, those in which something changed last first."""
        return self.joins(trigger_id, OPEN).items

    def firings(
        self, wanted: firing_reads.Wanted, *, after: Key | None = None, limit: int = FIRINGS
    ) -> Page[FiringRow]:
        """List firings, the newest first."""
        page = firing_reads.list_firings(self._conn, wanted, self._scope.visible, after=after, limit=limit)
        return page.map(self._firing)

    def firing(self, firing_id: str) -> FiringShown:
        """Look a firing up; raises ``NotFound``, also for one of a trigger of which the caller may see nothing."""
        found = firing_reads.find_firing(self._conn, firing_id, self._scope.visible)
        if found is None:
            raise NotFound(f"There is no firing {firing_id!r}.")
        recognised = {each.id: run for each in found.actions if (run := self._run(each)) is not None}
        if self._everything:
            return FiringShown(found, recognised)
        trigger_id = found.row.trigger_id
        seen = self._seen([trigger_id]).get(trigger_id, frozenset())
        hidden = replace(
            found,
            row=self._firing(found.row),
            consumed=list(self._consumed(found.consumed, seen)),
            tree=found.tree and self._tree(found.tree, seen),
            chain=[trigger_id],
            actions=[_outline(each, each.id in recognised) for each in found.actions],
        )
        return FiringShown(hidden, recognised)

    def _shown(self, rows: Sequence[TriggerRow]) -> list[Shown]:
        ids = [row.id for row in rows]
        last, seen = firing_reads.last_firings(self._conn, ids), self._seen(ids)
        found = []
        for row in rows:
            trigger, mine = trigger_of(row.body), seen.get(row.id, frozenset())
            foremost = row.foremost and self._join(row.foremost, mine)
            tree = None if foremost is None else foremost.tree
            if tree is None:
                tree = untouched(trigger.when, None if self._everything else mine)
            failing = row.failing if self._everything else None
            fired = last.get(row.id)
            found.append(
                Shown(
                    replace(row, foremost=foremost, failing=failing),
                    trigger,
                    row.body if self._everything else None,
                    tree,
                    fired and self._firing(fired),
                )
            )
        return found

    def _seen(self, ids: Collection[str]) -> dict[str, frozenset[str]]:
        """Give the inputs that may be seen; nothing is asked for those who see everything."""
        return {} if self._everything else trigger_reads.seen_inputs(self._conn, ids, self._scope.visible)

    def _join(self, join: JoinRow, seen: Collection[str]) -> JoinRow:
        if self._everything:
            return join
        holds = [{**hold, "text": None} for hold in join.holds]
        return replace(join, tree=join.tree and self._tree(join.tree, seen), holds=holds)

    def _tree(self, tree: dict[str, Any], seen: Collection[str]) -> dict[str, Any]:
        if "of" in tree:
            return {**tree, "of": [self._tree(each, seen) for each in tree["of"]]}
        if tree["input"] not in seen:
            return {"input": None, "hidden": True} | {
                name: tree[name] for name in ("optional", "updates", "met")
            }
        latest = tree.get("latest")
        if latest is not None and not self._scope.sees(latest["dataset"]["namespace"]):
            return {**tree, "latest": None, "gate": None, "missing": None}
        return tree if latest is None else {**tree, "latest": self._update(latest)}

    def _consumed(
        self, consumed: Sequence[dict[str, Any]], seen: Collection[str]
    ) -> Iterator[dict[str, Any]]:
        for each in consumed:
            if each["id"] not in seen:
                yield {"id": None, "hidden": True, "updates": []}
                continue
            shown = [
                self._update(update)
                for update in each["updates"]
                if self._scope.sees(update["dataset"]["namespace"])
            ]
            yield {"id": each["id"], "hidden": len(shown) < len(each["updates"]), "updates": shown}

    def _update(self, update: dict[str, Any]) -> dict[str, Any]:
        if self._scope.sees(update["job"]["namespace"]):
            return update
        return {**update, "job": None, "run_id": None}

    def _firing(self, found: FiringRow) -> FiringRow:
        return found if self._everything else replace(found, error=None, reason=None)

    def _run(self, action: ActionRow) -> RunRow | None:
        if action.run_id is None or action.job_namespace is None or action.job_name is None:
            return None
        job = (action.job_namespace, action.job_name)
        return next(
            iter(runs.find_runs(self._conn, action.run_id, job, visible=self._scope.visible, limit=1)), None
        )


def untouched(condition: AtLeast | Input, seen: Collection[str] | None) -> dict[str, Any]:
    """Give the evaluation of a condition for which nothing has come, to a caller who sees these inputs; None: all."""
    if isinstance(condition, AtLeast):
        parts = [untouched(each, seen) for each in condition.of]
        return {"met": False, "at_least": condition.count, "of": parts}
    known: dict[str, Any] = {"met": False, "optional": condition.optional, "updates": 0}
    if seen is not None and condition.id not in seen:
        return known | {"input": None, "hidden": True}
    return known | {"input": condition.id, "missing": "an update"}


def _outline(action: ActionRow, run_seen: bool) -> ActionRow:
    """Leave out of an action what it says to whom, and what that one answered."""
    bare = replace(action, body=None, error=None, delivery=None, tried=(), external_id=None)
    if run_seen:
        return bare
    return replace(bare, handle=None, run_id=None, job_namespace=None, job_name=None)
