"""What triggers would have fired over a stretch of recorded history: what the pure replay has to be given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from collector.storage import arrivals, log_history
from collector.storage.selection import members
from lineage.runs import Update
from triggers.conditions import Trigger
from triggers.growing import Change
from triggers.replay import Look
from triggers.rules import RuleSet
from triggers.trigger_replay import Course, Source, TriggerReplay

InputKey = tuple[str, str]
"""(trigger, input)."""

SEPARATOR = "\n"


@dataclass(slots=True)
class Kept:
    """The part of history that triggers are about, kept while the expectations are replayed on all of it."""

    bindings: Mapping[InputKey, Collection[int]]
    checked: Collection[int]
    """Datasets whose checks gates ask for."""
    datasets: Collection[int]
    _before: list[Change] = field(default_factory=list)
    _changes: list[Change] = field(default_factory=list)

    def before(self, change: Change) -> None:
        """Take in what was known at the start."""
        if change.dataset_id in self.datasets:
            self._before.append(change)

    def passing(self, changes: Iterable[Change]) -> Iterator[Change]:
        """Give changes on, and keep those that matter."""
        for change in changes:
            if change.dataset_id in self.datasets:
                self._changes.append(change)
            yield change

    def replay(
        self,
        conn: Connection,
        rules: RuleSet,
        expected: Mapping[str, Collection[int]],
        looks: Sequence[Look],
        since: int,
        until: int,
    ) -> list[Course]:
        """Run the triggers of ``rules`` over it; ``looks`` is what became of the expectations, on ``expected``."""
        if not rules.triggers:
            return []
        named = expectations_of(rules.triggers.values())
        run = TriggerReplay(
            rules.triggers,
            self.bindings,
            {id_: expected.get(id_, ()) for id_ in named},
            rules.windows,
            _sources(conn, [update for change in self._changes for update in change.new]),
            since,
        )
        run.known(self._before)
        for _ in run.run(self._changes, (each for each in looks if each.pair.expectation_id in named), until):
            pass
        for course in run.courses.values():
            course.firings.sort(key=lambda each: (each.at, each.key))
        return [run.courses[id_] for id_ in sorted(run.courses)]


def expectations_of(triggers: Iterable[Trigger]) -> set[str]:
    """Name the expectations that gates of triggers ask for."""
    gates = [each.gate for trigger in triggers for each in trigger.when.inputs() if each.gate is not None]
    return {id_ for gate in gates for id_ in gate.expectations}


def kept_for(conn: Connection, rules: RuleSet) -> Kept:
    """Find out what the triggers of ``rules`` are about."""
    inputs = {
        (trigger.id, wanted.id): wanted
        for trigger in rules.triggers.values()
        for wanted in trigger.when.inputs()
    }
    found = members(conn, {SEPARATOR.join(key): each.selector for key, each in inputs.items()})
    bindings = {key: found[SEPARATOR.join(key)] for key in inputs}
    checked = {
        id_
        for key, each in inputs.items()
        if each.gate is not None and each.gate.assertions is not None
        for id_ in bindings[key]
    }
    return Kept(bindings, checked, {id_ for ids in bindings.values() for id_ in ids})


def _sources(conn: Connection, updates: Sequence[Update]) -> Callable[[Update], Source]:
    """Tell of the runs that brought updates, and of the datasets as they were called."""
    runs = log_history.writers(conn, {each.run_id for each in updates})
    names = log_history.spelled(conn, {each.dataset_id for each in updates})
    # What recorded firings led to is known as it was live.
    chains = arrivals.chains(conn, runs.values(), lambda key: ()) if arrivals.any_fired(conn) else {}

    def source(update: Update) -> Source:
        run = runs[update.run_id]
        chain = chains.get(run.run_key, ())
        return Source(
            *names[update.dataset_id], run.run_key, run.run_id, run.job_id, run.job_namespace, run.job_name, chain
        )  # fmt: skip

    return source
