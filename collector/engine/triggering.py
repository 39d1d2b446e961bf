"""Triggers in the rounds of the engine: what has come goes into joins, what fires is done, and what becomes of it.

A round reads, decides in memory, and writes all of it in one transaction: the joins with what they consumed, the
firings, what is to be sent for them, and their events in the log. That transaction holds the engine's lease, so of two
engines only one writes; whatever ends in between, nothing has fired, or all of it has.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, zip_longest
from typing import Any

import structlog
from sqlalchemy import Connection

from collector.engine import trigger_bindings
from collector.engine.acting import blocked_of, doings_of
from collector.engine.emitting import Emitter
from collector.engine.following import Followed, Following
from collector.engine.incoming import Incoming
from collector.engine.templates import TemplateFailed
from collector.engine.trigger_alerts import TriggerAlerts, alert_of
from collector.engine.trigger_bindings import TriggerBindings
from collector.engine.world import Stood, World
from collector.storage import arrivals, firings, joins, outbox
from collector.storage.arrivals import Come
from collector.storage.facts import Told, What
from collector.storage.firings import Progress
from collector.storage.joins import Key, Request, Row, Whole
from collector.storage.outbox import Queued
from lineage.instants import iso
from triggers.alerts import Alert
from triggers.arrivals import WHOLE, Arrived, ticks
from triggers.conditions import Blocked, Mode, Trigger
from triggers.firings import Cause, Expected, Firing, fire_key
from triggers.joins import Blocking, Standing, State, advance, fire_by_hand, reset
from triggers.rules import RuleSet
from triggers.watermark import Outage

JOINS = 1_000
"""Joins that are looked at in one round."""

EPOCHS = 100
"""Epochs that are begun in one round, after a long absence."""

CHECKS = ""
"""Stands among expectations for results of checks."""

UNSEEN: Mapping[str, Any] = {"when": None, "holds": []}
"""The evaluation of a join whose turn has not come."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Decided:
    """What one round came to; nothing of it is written yet."""

    rows: dict[Key, Row] = field(default_factory=dict)
    wholes: dict[str, Whole] = field(default_factory=dict)
    taken: list[Come] = field(default_factory=list)
    fired: list[tuple[Firing, Progress, int | None]] = field(default_factory=list)
    queued: list[Queued] = field(default_factory=list)
    followed: Followed = field(default_factory=Followed)
    answered: list[Request] = field(default_factory=list)
    prompted: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def any(self) -> bool:
        return bool(
            self.rows or self.wholes or self.taken or self.fired or self.followed.any or self.answered
            or self.prompted or self.queued
        )  # fmt: skip


class Triggering:
    """The triggers of one database. For the one engine that is active; call ``load`` first, and after a failure."""

    def __init__(self, emitter: Emitter, expected: Mapping[str, Expected]) -> None:
        self._emitter = emitter
        self._expected = expected
        self._rules = RuleSet()
        self._bindings = TriggerBindings()
        self._following = Following()
        self._wholes: dict[str, Whole] = {}
        self._gated: dict[str, set[str]] = {}
        self._by_epoch: list[Trigger] = []
        self._incoming = Incoming()
        self._alerts = TriggerAlerts()

    def load(self, conn: Connection, rules: RuleSet, now: int) -> None:
        """Take up rules, and all that is kept, in a writing transaction; ``now`` in µs UTC."""
        before, self._rules = self._rules, rules
        triggers = rules.triggers
        gone = joins.known(conn) - triggers.keys()
        joins.forget(conn, gone)
        trigger_bindings.forget(conn, gone)
        self._bindings.refresh(conn, triggers, now)
        self._wholes = joins.wholes(conn)
        self._gated = _gated(triggers.values())
        new = [
            Whole(id_, now, _shape(trigger)) for id_, trigger in triggers.items() if id_ not in self._wholes
        ]
        for id_, whole in self._wholes.items():
            if whole.shape != _shape(triggers[id_]):
                log.info("joins begin anew, as they are made in another way", trigger=id_)
                joins.clear(conn, id_)
                new.append(replace(whole, since=now, shape=_shape(triggers[id_]), tick_at=None))
            # What is one dataset with another now may have been checked as that.
            elif (
                before.triggers.get(id_) != triggers[id_]
                or before.windows != rules.windows
                or id_ in self._gated
            ):
                joins.prompt(conn, [(id_, None)])
        joins.write_wholes(conn, new)
        self._wholes |= {each.trigger_id: each for each in new}
        self._following.load(conn, triggers)
        self._by_epoch = [
            each for each in triggers.values() if each.join.mode is Mode.EPOCH and each.deadline is not None
        ]
        self._alerts.load(joins.alerts(conn))

    def follow(self, conn: Connection, subjects: Mapping[int, What], now: int) -> bool:
        """Follow the catalog, in a writing transaction; True: come again."""
        return bool(self._rules.triggers) and self._bindings.follow(conn, subjects, now)

    def decide(
        self, conn: Connection, told: Told, stood: Stood, seen: int, now: int, outage: Outage | None
    ) -> Decided:
        """Decide what fires; ``seen`` is up to when all is known that came (µs UTC)."""
        decided = Decided()
        sent = [id_ for id_, what in told.subjects.items() if what & What.SENT]
        if not (self._rules.triggers or sent or self._following.busy):
            return decided
        decided.followed = self._following.step(conn, sent, told.runs, seen, now)
        coming = self._bindings.coming(conn, told.subjects)
        incoming = self._incoming.read(conn, told, self._rules.triggers, coming, self._following.chain_of)
        decided.taken, come = incoming.taken, incoming.by_key
        for trigger_id, number in incoming.unkeyed.items():
            whole = self._whole(decided, trigger_id)
            whole.unkeyed, whole.unkeyed_at = whole.unkeyed + number, now
        asked = self._asked(conn, told, decided, now)
        keys = set(come) | set(joins.due(conn, seen, JOINS)) | set(asked) | set(self._epochs(decided, seen))
        keys = {key for key in keys if key[0] in self._rules.triggers}
        if keys:
            self._join(conn, keys, come, asked, stood, seen, now, outage, decided)
        self._prompt(conn, stood, told, decided)
        self._note(decided, now)
        return decided

    def _asked(self, conn: Connection, told: Told, decided: Decided, now: int) -> dict[Key, list[Request]]:
        """Do what people ask of triggers as a whole; give what they ask of joins."""
        found: dict[Key, list[Request]] = defaultdict(list)
        if not any(what & What.REQUEST for what in told.subjects.values()):
            return found
        for each in joins.requests(conn):
            decided.answered.append(each)
            trigger = self._rules.triggers.get(each.trigger_id)
            if trigger is None:
                continue
            if each.kind in ("pause", "resume"):
                whole = self._whole(decided, trigger.id)
                _ask(whole, each)
                decided.prompted.append((trigger.id, None))
            elif each.key is not None:
                found[trigger.id, each.key].append(each)
            elif each.kind == "reset":
                for key in joins.keys_of(conn, trigger.id):
                    found[trigger.id, key].append(each)
            elif (current := _current(trigger, now)) is not None:
                found[trigger.id, current].append(each)
        return found

    def _epochs(self, decided: Decided, seen: int) -> Iterable[Key]:
        """Begin epochs for which the time has come: by its deadline one may be told of though nothing came."""
        for trigger in self._by_epoch:
            whole = self._wholes[trigger.id]
            for _ in range(EPOCHS):
                tick = ticks(trigger).after(whole.tick_at or whole.since)
                if tick is None or tick > seen:
                    break
                whole.tick_at = tick
                decided.wholes[trigger.id] = whole
                yield trigger.id, iso(tick)

    def _join(
        self,
        conn: Connection,
        keys: Iterable[Key],
        come: Mapping[Key, list[Arrived]],
        asked: Mapping[Key, list[Request]],
        stood: Stood,
        seen: int,
        now: int,
        outage: Outage | None,
        decided: Decided,
    ) -> None:
        kept = joins.load(conn, list(keys))
        guarded = {id_ for id_, _ in keys if self._rules.triggers[id_].guard.max_in_flight is not None}
        in_flight = firings.in_flight(conn, guarded)
        world = World(conn, self._rules, self._wholes, in_flight, stood, outage, now)
        found: list[Firing] = []
        for number, key in enumerate(_in_turn(keys)):
            trigger, join = self._rules.triggers[key[0]], kept[key]
            join.waiting += come.get(key, [])
            if number >= JOINS and key not in asked:
                if key in come:
                    decided.rows[key] = Row(*key, Standing.WAITING, join, UNSEEN, joins.AT_ONCE, None)
                continue
            _fit(join.state, trigger)
            advanced = advance(trigger, key[1], join.state, join.waiting, seen, world)
            found += advanced.firings
            blockings = advanced.blockings
            for each in asked.get(key, ()):
                at = max(join.state.clock, each.at)
                if each.kind == "fire":
                    advanced = fire_by_hand(
                        trigger, key[1], join.state, at, world, each.nonce, each.by, each.reason
                    )
                else:
                    advanced = reset(trigger, key[1], join.state, at, world)
                found += advanced.firings
                blockings = [*blockings, *advanced.blockings]
            join.waiting = []
            decided.queued += _told_blocked(trigger, key[1], blockings, now)
            alert = alert_of(trigger, key[1], advanced)
            decided.rows[key] = Row(*key, advanced.standing, join, advanced.tree(), advanced.wake, alert)
        for id_ in world.broken:
            whole = self._whole(decided, id_)
            whole.broken_at = whole.broken_at or now
        self._fire(conn, found, now, decided)

    def _fire(self, conn: Connection, found: Sequence[Firing], now: int, decided: Decided) -> None:
        there = firings.there(conn, [each.id for each in found])
        for each in found:
            trigger = self._rules.triggers[each.trigger]
            if each.id in there and (trigger.join.keys is None or each.cause is Cause.MANUAL):
                continue
            firing = _anew(conn, each, there) if each.id in there else each
            there.add(firing.id)
            if firing.skipped:
                decided.fired.append((firing, Progress.SKIPPED, None))
                continue
            doings = doings_of(trigger, firing, self._rules.targets, self._expected)
            progress, next_at = self._following.add(firing, doings, now, decided.followed)
            decided.fired.append((firing, progress, next_at))

    def _prompt(self, conn: Connection, stood: Stood, told: Told, decided: Decided) -> None:
        """Have joins looked at that may be let through now: by gates, or as a run that they waited for has ended."""
        changed = {id_ for id_, _ in stood}
        asking = {id_ for id_, names in self._gated.items() if names & changed}
        checked = [id_ for id_, what in told.subjects.items() if what & What.CHECK]
        if checked and any(CHECKS in names for names in self._gated.values()):
            bound = {id_ for each in arrivals.bound(conn, checked).values() for id_, _ in each}
            asking |= {id_ for id_ in bound & self._gated.keys() if CHECKS in self._gated[id_]}
        decided.prompted += [(id_, None) for id_ in sorted(asking)]
        for ended in decided.followed.ended:
            trigger = self._rules.triggers.get(ended.trigger_id)
            if trigger is not None and trigger.guard.max_in_flight is not None:
                decided.prompted.append((ended.trigger_id, ended.key))

    def _note(self, decided: Decided, now: int) -> None:
        """Remember of triggers whether what they started fails."""
        for ended in decided.followed.ended:
            if ended.trigger_id not in self._wholes:
                continue
            whole = self._whole(decided, ended.trigger_id)
            if ended.state == Progress.COMPLETED:
                whole.failing_since = whole.failing = None
            else:
                whole.failing_since = whole.failing_since or now
                about = f" for {ended.key}" if ended.key else ""
                whole.failing = (
                    f"What it started{about} is {ended.state}: {ended.error or 'no reason was given'}"
                )

    def _whole(self, decided: Decided, trigger_id: str) -> Whole:
        whole = decided.wholes[trigger_id] = self._wholes[trigger_id]
        return whole

    def write(self, conn: Connection, decided: Decided, now: int) -> None:
        """Keep what was decided, in the writing transaction of the round."""
        arrivals.take(conn, decided.taken, now)
        joins.write(conn, decided.rows.values(), now)
        joins.write_wholes(conn, decided.wholes.values())
        joins.answer(conn, decided.answered)
        firings.insert(conn, decided.fired, now)
        followed = decided.followed
        firings.update_firings(conn, followed.fired.values())
        firings.write_actions(conn, followed.doings.values())
        outbox.put_all(conn, [*followed.queued, *decided.queued], now)
        self._emitter.write(conn, followed.told, now)
        joins.prompt(conn, dict.fromkeys(decided.prompted))
        self._alerts.follow(decided.rows, decided.wholes)

    def alerts(self) -> list[Alert]:
        """Give what people are told of triggers."""
        return self._alerts.all(self._wholes, self._rules.triggers)

    def next_wake(self, conn: Connection) -> int | None:
        """Give when there is something to do although nothing happens (µs UTC)."""
        if not self._rules.triggers and not self._following.busy:
            return None
        times = [joins.next_look(conn), self._following.wake]
        for trigger in self._by_epoch:
            whole = self._wholes[trigger.id]
            times.append(ticks(trigger).after(whole.tick_at or whole.since))
        return min((at for at in times if at is not None), default=None)


def _ask(whole: Whole, request: Request) -> None:
    """Pause a trigger, or resume it: from then on its firings are counted anew."""
    if request.kind == "pause":
        whole.paused_at, whole.paused_by, whole.paused_reason = request.at, request.by, request.reason
    else:
        whole.paused_at = whole.paused_by = whole.paused_reason = whole.broken_at = None
        whole.since = request.at


def _anew(conn: Connection, firing: Firing, taken: Collection[str]) -> Firing:
    """Give the firing of a partition a key of its own: how often that fired is forgotten with its join.

    That the same updates come again is none of it: what has arrived is not forgotten.
    """
    keys = (fire_key(firing.trigger, firing.key, generation) for generation in count(1))
    made = (replace(firing, fire_key=key) for key in keys)
    return next(each for each in made if each.id not in taken and not firings.there(conn, [each.id]))


def _current(trigger: Trigger, now: int) -> str | None:
    """Give the key of the join that somebody means who names none; None: there are many."""
    if trigger.join.mode is Mode.EPOCH:
        tick = ticks(trigger).before(now + 1)
        return None if tick is None else iso(tick)
    return WHOLE if trigger.join.keys is None else None


def _in_turn(keys: Iterable[Key]) -> Iterable[Key]:
    """Give joins of each trigger in turn, so that one with many holds up no other (airflow#49508)."""
    of: dict[str, list[Key]] = defaultdict(list)
    for key in sorted(keys):
        of[key[0]].append(key)
    return (key for row in zip_longest(*of.values()) for key in row if key is not None)


def _fit(state: State, trigger: Trigger) -> None:
    """Leave out what came for inputs that are no more; what came for the others stays."""
    inputs = trigger.inputs
    state.pending = [each for each in state.pending if each.input in inputs]
    state.latest = {id_: each for id_, each in state.latest.items() if id_ in inputs}
    if not state.pending and trigger.join.mode is not Mode.EPOCH:
        state.begun_at = None


def _shape(trigger: Trigger) -> str:
    """Say how joins are made: their keys, and what those mean."""
    join = trigger.join
    keys = [join.keys.grain.value, join.keys.sources, join.keys.patterns] if join.keys else None
    local = None if keys is None and join.schedule is None else trigger.timezone
    return json.dumps([join.mode.value, join.schedule, join.tolerance, keys, local])


def _gated(triggers: Iterable[Trigger]) -> dict[str, set[str]]:
    """Give the expectations that gates of triggers ask for, and whether they ask for ``CHECKS``."""
    found: dict[str, set[str]] = {}
    for trigger in triggers:
        gates = [each.gate for each in trigger.when.inputs() if each.gate is not None]
        if gates:
            found[trigger.id] = {id_ for gate in gates for id_ in gate.expectations}
            if any(gate.assertions is not None for gate in gates):
                found[trigger.id].add(CHECKS)
    return found


def _told_blocked(trigger: Trigger, key: str, blockings: Iterable[Blocking], now: int) -> Iterator[Queued]:
    """Give what people are told of gates; if their own words make no sense, in ours."""
    told = trigger.on_blocked
    if told is None:
        return
    for arrived, passed in blockings:
        try:
            yield blocked_of(trigger, key, told, arrived, passed, now)
        except TemplateFailed as error:
            log.warning("on_blocked cannot be filled in", trigger=trigger.id, error=str(error))
            yield blocked_of(trigger, key, Blocked(told.target), arrived, passed, now)
