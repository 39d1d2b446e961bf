"""Joining updates: a pure fold of what arrives, and of time, into firings.

Every join has a logical clock. What arrives moves it to the time of its receipt, and before that all happens for which
the time has come meanwhile. So it is the order of what came that decides, never how much of it was looked at at once;
and a replay comes to what was decided live. (What is evaluated tick by tick loses what comes in the tick of a reset:
dagster#33587, dagster#24650.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from triggers.arrivals import NEW, SAME_VERSION, Arrived
from triggers.conditions import Input, Mode, Then, Trigger
from triggers.evaluation import Evaluation, Passed, evaluated
from triggers.firings import Cause, Consumed, Firing, fire_key, manual_key
from triggers.holds import Hold, holds_of
from triggers.schedules import deadline_of, ends_at, starts_at

REMEMBERED = 1_000
"""Updates that the join of a partition knows to be done with, for those that are told of again, differently. The hours
of a month are fewer."""

REMEMBERED_OF_ALL = 100
"""Such updates of a join that has no keys."""

ROUNDS = 10_000
"""Instants that one call goes through; more would be a mistake, and go on for ever."""


class Standing(StrEnum):
    """How a join stands."""

    IDLE = "idle"
    """Nothing has come since the last firing."""
    WAITING = "waiting"
    """Something is missing."""
    BLOCKED = "blocked"
    """A gate holds back what came."""
    HELD = "held"
    """It is complete, and something else holds it back."""
    DONE = "done"
    """It fires no more: its tick had its firing, or is over."""


@dataclass(slots=True)
class State:
    """What must be kept of a join from one look to the next; times in µs UTC."""

    clock: int = 0
    generation: int = 0
    """How often it fired."""
    pending: list[Arrived] = field(default_factory=list)
    """What has come and is not consumed, in the order of its coming."""
    latest: dict[str, Arrived] = field(default_factory=dict)
    """The last that came for each input."""
    done: list[str] = field(default_factory=list)
    """The last that it consumed or gave up, not to be taken again."""
    begun_at: int | None = None
    complete_at: int | None = None
    fired_at: int | None = None
    passed_at: int | None = None
    """When a tick passed that nobody saw and that is not made up for: what came waits for the next."""
    overdue_at: int | None = None
    """The deadline that passed while it was incomplete."""
    partial: bool = False
    """It fires with what is there."""
    ended: bool = False
    told: list[str] = field(default_factory=list)
    """Updates of which people were told that a gate holds them back."""

    def data(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        own: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return own | {"latest": {name: list(each) for name, each in self.latest.items()}}

    @classmethod
    def read(cls, data: dict[str, Any]) -> State:
        """Read what ``data`` gave, by way of JSON."""
        pending = [Arrived.read(each) for each in data["pending"]]
        latest = {name: Arrived.read(each) for name, each in data["latest"].items()}
        return cls(**{**data, "pending": pending, "latest": latest})


class World(Protocol):
    """What a trigger has to know of everything else."""

    def passes(self, wanted: Input, arrived: Arrived, at: int) -> Passed:
        """Tell whether a gate lets an update through, at an instant."""

    def holds(self, trigger: Trigger, key: str, state: State, at: int) -> Iterable[Hold]:
        """Give what holds a complete join back at an instant: pauses, windows, runs in flight."""

    def stops(self, trigger: Trigger, at: int) -> Iterable[Hold]:
        """Stop a trigger that would fire, as nothing else holds it back, if it fired too often before."""

    def drops(self, trigger: Trigger, arrived: Arrived) -> bool:
        """Tell whether a window takes an update away."""

    def missed(self, trigger: Trigger, at: int) -> bool:
        """Tell whether a tick passed while nobody looked, and is not to be made up for."""

    def fired(self, firing: Firing) -> None:
        """Take note: it counts for what comes next."""


class Blocking(NamedTuple):
    """A gate holds an update back; told once of each."""

    arrived: Arrived
    passed: Passed


@dataclass(slots=True)
class Advanced:
    """What came of it."""

    state: State
    standing: Standing
    evaluation: Evaluation
    holds: list[Hold]
    wake: int | None
    """When time alone changes something (µs UTC)."""
    firings: list[Firing]
    blockings: list[Blocking]

    def tree(self) -> dict[str, Any]:
        """Say what it waits for, as JSON has it."""
        return {"when": self.evaluation.tree, "holds": [each.data() for each in self.holds]}


def advance(
    trigger: Trigger, key: str, state: State, arrivals: Iterable[Arrived], until: int, world: World
) -> Advanced:
    """Let updates come, in order, and time pass up to and with ``until`` (µs UTC). The state given is changed."""
    run = _Run(trigger, key, state, world)
    for arrived in arrivals:
        at = max(state.clock, arrived.at)
        # Time first, also at the same instant: so it is however much of it passes at once.
        run.pass_time(at)
        run.take(arrived)
        run.settle(at)
    run.pass_time(until)
    run.settle(max(state.clock, until))
    return run.result()


def fire_by_hand(
    trigger: Trigger,
    key: str,
    state: State,
    at: int,
    world: World,
    nonce: str,
    by: str,
    reason: str | None = None,
) -> Advanced:
    """Fire with what is there, whatever is missing or holds it back."""
    run = _Run(trigger, key, state, world)
    run.pass_time(at)
    run.settle(max(state.clock, at), quiet=True)
    run.fire(state.clock, Cause.MANUAL, manual_key(trigger.id, key, nonce), by, reason)
    run.settle(state.clock)
    return run.result()


def reset(trigger: Trigger, key: str, state: State, at: int, world: World) -> Advanced:
    """Give up what has come: nothing of it fires any more."""
    run = _Run(trigger, key, state, world)
    run.pass_time(at)
    run.drop()
    run.settle(max(state.clock, at))
    return run.result()


class _Run:
    """One join on its way through time."""

    def __init__(self, trigger: Trigger, key: str, state: State, world: World) -> None:
        self._trigger = trigger
        self._key = key
        self._state = state
        self._world = world
        self._inputs = trigger.inputs
        self._evaluation: Evaluation | None = None
        self._holds: list[Hold] = []
        self._wake: int | None = None
        self._firings: list[Firing] = []
        self._blockings: list[Blocking] = []
        if not state.clock and trigger.join.mode is Mode.EPOCH:
            # Its time passes whether anything comes or not.
            state.clock = starts_at(trigger, key) - 1

    def result(self) -> Advanced:
        assert self._evaluation is not None  # noqa: S101  # for the type checker: it was settled
        return Advanced(
            self._state, self._standing(self._evaluation), self._evaluation, self._holds, self._wake,
            self._firings, self._blockings,
        )  # fmt: skip

    def take(self, arrived: Arrived) -> None:
        state = self._state
        if arrived.input not in self._inputs or arrived.update in state.done:
            return
        for place, each in enumerate(state.pending):
            if (each.input, each.update) == (arrived.input, arrived.update):
                # It is told of again: what a run wrote may become known bit by bit.
                state.pending[place] = each._replace(parts=tuple(sorted({*each.parts, *arrived.parts})))
                return
        # A backfill brings its own partition something new, but nothing to who waits for newer data.
        counts = arrived.news == NEW or (
            self._trigger.join.mode is Mode.PARTITION and arrived.news != SAME_VERSION
        )
        if not counts or state.ended or self._world.drops(self._trigger, arrived):
            return
        state.pending.append(arrived)
        state.latest[arrived.input] = arrived
        self._begin()

    def pass_time(self, until: int) -> None:
        """Let all happen for which the time comes up to and with an instant."""
        if self._evaluation is None and self._state.clock:
            # Only to know what it waits for: what has ended meanwhile ended later than this.
            self.settle(self._state.clock, quiet=True)
        for _ in range(ROUNDS):
            wake = self._wake
            if wake is None or wake > until:
                return
            self.settle(wake)
        raise AssertionError(f"trigger {self._trigger.id} does not come to rest")

    def settle(self, at: int, *, quiet: bool = False) -> None:
        """Do what there is to do at an instant, and find out when there is more; ``quiet``: only the latter."""
        state, trigger = self._state, self._trigger
        state.clock = max(state.clock, at)
        while True:
            wakes = self._expire(at)
            found = self._evaluation = evaluated(
                trigger, self._key, state.pending, state.latest, at, self._world.passes
            )
            if not quiet:
                self._block(found)
            complete = not state.ended and (found.met or (state.partial and self._some(found)))
            if not complete:
                self._holds = []
                if quiet:
                    wakes += [due for due in [self._due()] if due is not None]
                    break
                if state.complete_at is not None:
                    state.complete_at = None
                    continue  # what was complete could not expire; what is not any more can
                if not self._overdue(at, wakes, found):
                    break
                continue  # the deadline has changed something
            if not quiet:
                if state.complete_at is None:
                    state.complete_at = at
                if found.met:
                    state.overdue_at = None
            self._holds = [*holds_of(trigger, state, at), *self._world.holds(trigger, self._key, state, at)]
            if not self._holds and not quiet:
                self._holds = [*self._last_holds(at)]
            if self._holds or quiet:
                wakes += [hold.until for hold in self._holds if hold.until is not None]
                break
            cause = Cause.DEADLINE if state.partial and not found.met else Cause.DATA
            self.fire(at, cause, self._fire_key(found))
        wakes += found.wakes
        self._wake = min((wake for wake in wakes if wake > at), default=None)

    def _last_holds(self, at: int) -> Iterable[Hold]:
        if self._trigger.schedule and self._world.missed(self._trigger, at):
            self._state.passed_at = at
            return holds_of(self._trigger, self._state, at)
        return self._world.stops(self._trigger, at)

    def fire(self, at: int, cause: Cause, key: str, by: str | None = None, reason: str | None = None) -> None:
        """Fire with what has come; what a gate holds back stays, as it does not count yet."""
        state, found = self._state, self._evaluation
        assert found is not None  # noqa: S101  # for the type checker: it was settled
        taken = state.pending if cause is Cause.MANUAL else found.counting(state.pending)
        consumed = tuple(
            Consumed(id_, tuple(each for each in taken if each.input == id_)) for id_ in self._inputs
        )
        firing = Firing(
            self._trigger.id, self._key, key, at, consumed, cause,
            partial=not found.tree["met"], by=by, reason=reason, tree=found.tree,
            skipped=cause is not Cause.MANUAL and not self._trigger.schedule and self._world.missed(self._trigger, at),
        )  # fmt: skip
        self._firings.append(firing)
        self._world.fired(firing)
        state.generation += 1
        state.fired_at = at
        state.ended = self._trigger.join.mode is Mode.EPOCH
        self._begin_anew(taken)

    def drop(self) -> None:
        """Give up what waits."""
        self._begin_anew(self._state.pending)

    def _begin_anew(self, gone: Sequence[Arrived]) -> None:
        state = self._state
        self._take_out(gone)
        state.complete_at = state.overdue_at = None
        state.partial = False

    def _take_out(self, gone: Sequence[Arrived]) -> None:
        state = self._state
        if gone:
            updates = {(each.input, each.update) for each in gone}
            most = REMEMBERED if self._trigger.join.keys is not None else REMEMBERED_OF_ALL
            state.done = [*state.done, *(each.update for each in gone)][-most:]
            state.pending = [each for each in state.pending if (each.input, each.update) not in updates]
            state.told = [update for update in state.told if update not in state.done]
        self._begin()

    def _begin(self) -> None:
        """Find out when it began: what is optional is not waited for, so it begins nothing."""
        required = [each.at for each in self._state.pending if not self._inputs[each.input].optional]
        self._state.begun_at = min(required, default=None)

    def _fire_key(self, found: Evaluation) -> str:
        """Say what makes the next firing this one."""
        trigger, state = self._trigger, self._state
        if trigger.join.mode is Mode.EPOCH:
            return fire_key(trigger.id, self._key)
        if trigger.join.mode is Mode.PARTITION:
            return fire_key(trigger.id, self._key, state.generation)
        taken = found.counting(state.pending)
        return fire_key(trigger.id, self._key, sorted((each.input, each.update) for each in taken))

    def _expire(self, at: int) -> list[int]:
        """Give up what has waited for too long; give when the next does."""
        join, state = self._trigger.join, self._state
        end = ends_at(self._trigger, self._key)
        if state.ended or state.complete_at is not None:
            return []  # what is complete fires, however long it is held back
        if end is not None and at >= end:
            self.drop()
            state.ended = True
            return []
        wakes = [] if end is None else [end]
        # What is exactly ``within`` away from another still belongs to it.
        age = join.expire if join.within is None else join.within + 1
        if age is None or not state.pending:
            return wakes
        if join.mode is Mode.LATCHED or join.mode is Mode.WINDOW:
            self._take_out([each for each in state.pending if at - each.at >= age])
        elif at - min(each.at for each in state.pending) >= age:
            self.drop()
        if state.pending:
            wakes.append(min(each.at for each in state.pending) + age)
        return wakes

    def _due(self) -> int | None:
        return None if self._state.ended else deadline_of(self._trigger, self._key, self._state.begun_at)

    def _overdue(self, at: int, wakes: list[int], found: Evaluation) -> bool:
        """Do what is due at the deadline of an incomplete join; tell whether that changes whether it is complete."""
        state, deadline, due = self._state, self._trigger.deadline, self._due()
        if deadline is None or due is None:
            return False
        if at < due:
            wakes.append(due)
            return False
        state.overdue_at = due
        if deadline.then is Then.FIRE_PARTIAL:
            state.partial = self._some(found)
            return state.partial
        if deadline.then is Then.DROP:
            self.drop()
            state.ended = self._trigger.join.mode is Mode.EPOCH
            return True
        return False

    def _some(self, found: Evaluation) -> bool:
        """Tell whether there is something to fire with: where a gate holds back all that came, not until it lets some
        through. An epoch fires with nothing as well."""
        return self._trigger.join.mode is Mode.EPOCH or bool(found.counting(self._state.pending))

    def _block(self, found: Evaluation) -> None:
        for arrived, passed in found.blocked:
            if arrived in self._state.pending and arrived.update not in self._state.told:
                self._state.told.append(arrived.update)
                self._blockings.append(Blocking(arrived, passed))

    def _standing(self, found: Evaluation) -> Standing:
        if self._state.ended:
            return Standing.DONE
        if self._state.complete_at is not None:
            return Standing.HELD
        if found.blocked:
            return Standing.BLOCKED
        return Standing.WAITING if self._state.begun_at is not None else Standing.IDLE
