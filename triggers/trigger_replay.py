"""What triggers that were put in place at some time would have fired over a stretch of history.

It joins as live does, by the same fold: what comes at the time of its receipt, and wherever the time of a timer comes.
What is left out are outages, people, who fire or pause, and what becomes of what is started: that is taken to end at
once. A trigger that fires too often stops for good, as nobody resumes it.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from lineage.instants import iso
from lineage.runs import Update
from triggers.arrivals import Arrived, keys_of, news_of, ticks, update_id
from triggers.conditions import Input, Mode, Trigger
from triggers.evaluation import OPEN, Passed
from triggers.firings import Cause, Firing
from triggers.gates import judged
from triggers.growing import Change, GrowingFacts
from triggers.holds import Hold
from triggers.joins import State as Join
from triggers.joins import advance
from triggers.maintenance import Maintenance
from triggers.replay import Look, Pair
from triggers.restraints import dropped, held_by_window, looping, too_often
from triggers.verdict import State
from triggers.watermark import SLACK


class Source(NamedTuple):
    """Who brought an update, and the name under which the dataset was updated."""

    namespace: str
    name: str
    run_key: bytes
    run_id: str
    job_id: int
    job_namespace: str
    job_name: str
    chain: tuple[str, ...] = ()
    """The triggers whose firings led to it, when it came."""


@dataclass(slots=True)
class Course:
    """What a trigger would have done; times in µs UTC."""

    trigger: Trigger
    firings: list[Firing] = field(default_factory=list)
    """In order."""
    arrivals: list[Arrived] = field(default_factory=list)
    """Updates that came for it and are told apart by partition, if need be; one of several partitions stands once."""
    arrived: int = 0
    """Updates that came for it."""
    unkeyed: int = 0
    """Those that did not say which partition they wrote."""
    blocked: int = 0
    """Those that a gate held back."""
    overdue: int = 0
    """Joins that were not complete at their deadline, but for those that were given up then."""
    broken_at: int | None = None
    """When it had fired too often."""
    waiting: int = 0
    """Joins that still waited for something at the end."""


Key = tuple[str, str]
"""A trigger, and the key of one of its joins."""


@dataclass(slots=True)
class _Known:
    """What has come of a dataset, as far as it tells news from what is not."""

    nominal: list[tuple[int, int, int]] = field(default_factory=list)
    """(nominal_at, received_at, run), sorted."""
    versions: defaultdict[str, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))
    """(received_at, run) by version."""

    def take(self, update: Update) -> None:
        if update.nominal_at is not None:
            insort(self.nominal, (update.nominal_at, update.received_at, update.run_id))
        if update.version is not None:
            self.versions[update.version].add((update.received_at, update.run_id))

    def drop(self, update: Update) -> None:
        if update.nominal_at is not None:
            self.nominal.remove((update.nominal_at, update.received_at, update.run_id))
        if update.version is not None:
            self.versions[update.version].discard((update.received_at, update.run_id))

    def news(self, update: Update) -> str:
        """Tell what an update brings, by the other ones that had been received."""
        greatest = None
        for nominal_at, received_at, run_id in reversed(self.nominal):
            if update.nominal_at is None or nominal_at <= update.nominal_at:
                break
            if run_id != update.run_id and received_at <= update.received_at:
                greatest = nominal_at
                break
        same = self.versions.get(update.version, ()) if update.version is not None else ()
        seen = any(run_id != update.run_id and at <= update.received_at for at, run_id in same)
        return news_of(update, greatest, seen)


class TriggerReplay:
    """A run through history, from ``start`` on, at which nothing waits.

    ``bindings`` are the datasets (canonical ids) of each trigger and input, ``expected`` those of expectations that
    gates name. ``source`` tells of updates. ``slack`` is by how much decisions lag behind what is received.
    """

    def __init__(
        self,
        triggers: Mapping[str, Trigger],
        bindings: Mapping[tuple[str, str], Collection[int]],
        expected: Mapping[str, Collection[int]],
        windows: Sequence[Maintenance],
        source: Callable[[Update], Source],
        start: int,
        *,
        slack: int = SLACK,
    ) -> None:
        self.courses = {id_: Course(trigger) for id_, trigger in triggers.items()}
        self._triggers = triggers
        self._expected = expected
        self._windows = windows
        self._source = source
        self._start = start
        self._slack = slack
        self._facts = GrowingFacts()
        self._known: defaultdict[int, _Known] = defaultdict(_Known)
        self._taken: dict[int, tuple[str | None, int | None]] = {}
        self._runs: dict[str, int] = {}
        self._states: dict[Pair, State] = {}
        self._joins: defaultdict[Key, Join] = defaultdict(Join)
        self._waiting: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._overdue: set[tuple[Key, int]] = set()
        self._timers: list[tuple[int, Key]] = []
        self._due: dict[Key, int] = {}
        self._of: defaultdict[int, list[tuple[Trigger, Input]]] = defaultdict(list)
        for (trigger_id, input_id), ids in sorted(bindings.items()):
            trigger = triggers[trigger_id]
            for dataset_id in ids:
                self._of[dataset_id].append((trigger, trigger.inputs[input_id]))
        self._gated: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for trigger in triggers.values():
            for wanted in trigger.when.inputs():
                for id_ in wanted.gate.expectations if wanted.gate else ():
                    self._gated[id_][trigger.id] = None
        self._epochs: list[tuple[int, str]] = []
        for trigger in triggers.values():
            if trigger.join.mode is Mode.EPOCH and trigger.deadline is not None:
                self._next_epoch(trigger, start)

    def run(self, changes: Iterable[Change], looks: Iterable[Look], end: int) -> Iterator[Firing]:
        """Give the firings until before ``end``.

        ``changes`` come in order of receipt, those that were known before as of the start or earlier; ``looks`` are
        what a replay of the expectations decided on the same changes.
        """
        pending = sorted(looks, key=attrgetter("at"), reverse=True)
        for at, group in groupby(changes, key=attrgetter("at")):
            if at >= end:
                break
            told = list(group)
            if at >= self._start:
                yield from self._until(at - self._slack, pending)
            changed = self._take_in(told)
            if at >= self._start:
                changed |= self._stand(pending, at - self._slack)
                yield from self._come(at, told)
                for trigger_id in changed:
                    yield from self._look_again(trigger_id, at)
        yield from self._until(end, pending)
        for (trigger_id, _), join in self._joins.items():
            self.courses[trigger_id].waiting += join.begun_at is not None

    def known(self, changes: Iterable[Change]) -> None:
        """Take in what was known before the start."""
        self._take_in(list(changes))

    # --- what comes --------------------------------------------------------------------------------------------

    def _take_in(self, told: Sequence[Change]) -> dict[str, None]:
        """Take changes in; give the triggers of which gates may judge otherwise now."""
        changed: dict[str, None] = {}
        for change in told:
            self._facts.take(change)
            known = self._known[change.dataset_id]
            for update in change.gone:
                known.drop(update)
            for update in change.new:
                known.take(update)
            if change.new_checks or change.gone_checks:
                changed |= {
                    trigger.id: None
                    for trigger, wanted in self._of.get(change.dataset_id, ())
                    if wanted.gate is not None and wanted.gate.assertions is not None
                }
        return changed

    def _come(self, at: int, told: Sequence[Change]) -> Iterator[Firing]:
        """Let updates arrive, in the order in which live takes them."""
        found = []
        for change in told:
            bound = self._of.get(change.dataset_id)
            for update in change.new if bound else ():
                source = self._source(update)
                id_ = update_id(update, source.run_key, source.job_id)
                found.append((update.received_at, update.event_time, id_, change.dataset_id, update, source))
        by_key: defaultdict[Key, list[Arrived]] = defaultdict(list)
        for *_, id_, dataset_id, update, source in sorted(found, key=lambda each: each[:3]):
            before = self._taken.get(id_)
            if before == (update.partition, update.nominal_at):
                continue
            self._taken[id_] = update.partition, update.nominal_at
            for trigger, wanted in self._of[dataset_id]:
                if before is not None and trigger.join.mode is not Mode.PARTITION:
                    continue
                course = self.courses[trigger.id]
                keys = keys_of(trigger, wanted, update, source.name, update.received_at)
                course.arrived += before is None
                course.unkeyed += not keys
                for key, parts in keys.items():
                    arrived = Arrived(
                        wanted.id, f"{id_:016x}", update.received_at, dataset_id, source.namespace, source.name,
                        source.run_id, source.job_namespace, source.job_name, update.event_time, update.nominal_at,
                        update.partition, update.version, update.rows, self._known[dataset_id].news(update), parts,
                        source.chain,
                    )  # fmt: skip
                    self._runs[arrived.update] = update.run_id
                    by_key[trigger.id, key].append(arrived)
                if before is None and keys:
                    course.arrivals.append(arrived)
        for own in sorted(by_key):
            yield from self._advance(own, by_key[own], at)

    # --- time --------------------------------------------------------------------------------------------------

    def _until(self, end: int, looks: list[Look]) -> Iterator[Firing]:
        """Let time pass until before ``end``: timers, epochs that begin, and what becomes of expectations."""
        while True:
            times = [self._timers[0][0] if self._timers else end, looks[-1].at if looks else end]
            times.append(self._epochs[0][0] if self._epochs else end)
            at = min(times)
            if at >= end:
                return
            if self._epochs and self._epochs[0][0] == at:
                _, trigger_id = heappop(self._epochs)
                self._next_epoch(self._triggers[trigger_id], at)
                yield from self._advance((trigger_id, iso(at)), (), at)
            elif self._timers and self._timers[0][0] == at:
                _, key = heappop(self._timers)
                if self._due.get(key) == at:
                    yield from self._advance(key, (), at)
            else:
                for trigger_id in self._stand(looks, at):
                    yield from self._look_again(trigger_id, at)

    def _stand(self, looks: list[Look], until: int) -> dict[str, None]:
        """Take in how datasets stand to expectations up to an instant; give the triggers that this may let through."""
        changed: dict[str, None] = {}
        while looks and looks[-1].at <= until:
            each = looks.pop()
            self._states[each.pair] = each.stance.state
            changed |= self._gated.get(each.pair.expectation_id, {})
        return changed

    def _next_epoch(self, trigger: Trigger, at: int) -> None:
        tick = ticks(trigger).after(at)
        if tick is not None:
            heappush(self._epochs, (tick, trigger.id))

    def _look_again(self, trigger_id: str, at: int) -> Iterator[Firing]:
        for key in list(self._waiting[trigger_id]):
            yield from self._advance((trigger_id, key), (), at)

    def _advance(self, own: Key, arrivals: Sequence[Arrived], at: int) -> Iterator[Firing]:
        trigger_id, key = own
        join, course = self._joins[own], self.courses[trigger_id]
        found = advance(self._triggers[trigger_id], key, join, arrivals, at, self)
        course.blocked += len(found.blockings)
        if join.overdue_at is not None and (own, join.overdue_at) not in self._overdue:
            self._overdue.add((own, join.overdue_at))
            course.overdue += 1
        if join.pending:
            self._waiting[trigger_id][key] = None
        else:
            self._waiting[trigger_id].pop(key, None)
        if found.wake is None:
            self._due.pop(own, None)
        elif self._due.get(own) != found.wake:
            self._due[own] = found.wake
            heappush(self._timers, (found.wake, own))
        yield from found.firings

    # --- triggers.joins.World ----------------------------------------------------------------------------------

    def passes(self, wanted: Input, arrived: Arrived, at: int) -> Passed:
        gate = wanted.gate
        if gate is None:
            return OPEN
        run_id = self._runs[arrived.update]
        checks, next_at = self._facts.after(arrived.dataset_id, arrived.event_time, run_id)
        states = {id_: self._stood(id_, arrived.dataset_id) for id_ in gate.expectations}
        return judged(gate, arrived, checks, next_at, states, at, run_id=run_id)

    def _stood(self, expectation_id: str, dataset_id: int) -> list[State]:
        """Give how the dataset stands to an expectation; if that is not on it, how all do that it is on."""
        on = self._expected.get(expectation_id, ())
        pairs = [Pair(expectation_id, each) for each in ((dataset_id,) if dataset_id in on else on)]
        return [self._states[pair] for pair in pairs if pair in self._states]

    def holds(self, trigger: Trigger, key: str, state: Join, at: int) -> Iterator[Hold]:
        yield from held_by_window(self._windows, trigger, state.pending, at)
        if (loop := looping(trigger, state.pending)) is not None:
            yield loop

    def stops(self, trigger: Trigger, at: int) -> Iterator[Hold]:
        course = self.courses[trigger.id]
        most = trigger.guard.max_fires
        if most is not None and course.broken_at is None:
            fired = [each.at for each in course.firings[-most:]]
            course.broken_at = at if too_often(trigger, fired, at) else None
        if course.broken_at is not None:
            yield Hold("breaker")

    def drops(self, trigger: Trigger, arrived: Arrived) -> bool:
        return dropped(self._windows, trigger, arrived)

    def missed(self, trigger: Trigger, at: int) -> bool:
        return False

    def fired(self, firing: Firing) -> None:
        course = self.courses[firing.trigger]
        course.firings.append(firing)
        course.overdue += firing.cause is Cause.DEADLINE
