"""Joins driven as an engine drives them: what arrives, key by key, and time that passes between."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lineage.runs import Update
from tests.events import NOON
from triggers.arrivals import Arrived, keys_of, ticks
from triggers.conditions import Action, AtLeast, Gate, Input, Join, Mode, Trigger
from triggers.evaluation import OPEN, Passed
from triggers.firings import Firing
from triggers.holds import Hold
from triggers.joins import Advanced, State, advance
from triggers.model import Assertions, Selector

PLAIN = Update(1, NOON, 1, NOON, None, None, None, None, "run")
DO = (Action("run", "prefect", starts=True),)


def wait_for(id_: str, **values: Any) -> Input:
    """Give an input that is any dataset of this name."""
    return Input(id_, Selector(name=id_), **values)


def gated(id_: str, **values: Any) -> Input:
    """Give an input with a gate; the world decides what it says."""
    return wait_for(id_, gate=Gate(Assertions()), **values)


def every(*of: Input | AtLeast) -> AtLeast:
    return AtLeast(sum(not (isinstance(each, Input) and each.optional) for each in of), of)


def either(*of: Input | AtLeast) -> AtLeast:
    return AtLeast(1, of)


def trigger(join: Join, *of: Input | AtLeast, **values: Any) -> Trigger:
    """Give a trigger that waits for all of these; of none: for a and b."""
    when = values.pop("when", None) or every(*(of or (wait_for("a"), wait_for("b"))))
    return Trigger(id="t", when=when, join=join, actions=DO, **values)


def came(input_: str, at: int, run: str | None = None, **values: Any) -> Arrived:
    """Give an update, by default of a run that is told by input and time."""
    run = run or f"{input_}@{at}"
    dataset = values.pop("dataset_id", sum(map(ord, input_)))
    event_time = values.pop("event_time", at)
    update = f"{dataset}-{run}"
    return Arrived(input_, update, at, dataset, "pg", input_, run, "shop", "load", event_time, **values)


@dataclass
class World:
    """What a test says of everything else."""

    gates: Callable[[Arrived, int], Passed] = lambda arrived, at: OPEN
    """Asked only where an input has a gate."""
    held: Callable[[State, int], Iterable[Hold]] = lambda state, at: ()
    dropped: Callable[[Arrived], bool] = lambda arrived: False
    left_out: Callable[[int], bool] = lambda at: False
    firings: list[Firing] = field(default_factory=list)

    def passes(self, wanted: Input, arrived: Arrived, at: int) -> Passed:
        assert wanted.gate is not None
        return self.gates(arrived, at)

    def holds(self, trigger: Trigger, key: str, state: State, at: int) -> Iterable[Hold]:
        return self.held(state, at)

    def stops(self, trigger: Trigger, at: int) -> Iterable[Hold]:
        return ()

    def drops(self, trigger: Trigger, arrived: Arrived) -> bool:
        return self.dropped(arrived)

    def missed(self, trigger: Trigger, at: int) -> bool:
        return self.left_out(at)

    def fired(self, firing: Firing) -> None:
        self.firings.append(firing)


class Engine:
    """Follows one trigger, with its state as JSON in between where ``restarts``."""

    def __init__(self, trigger: Trigger, world: World | None = None, *, restarts: bool = True) -> None:
        self.trigger = trigger
        self.world = world or World()
        self.states: defaultdict[str, State] = defaultdict(State)
        self.last: dict[str, Advanced] = {}
        self._restarts = restarts

    @property
    def firings(self) -> list[Firing]:
        return self.world.firings

    def feed(self, *arrivals: Arrived, until: int | None = None) -> list[Firing]:
        """Take in what came, in this order, and let time pass up to ``until``; give what has fired."""
        by_key: defaultdict[str, list[Arrived]] = defaultdict(list)
        for arrived in arrivals:
            for key, parts in self._keys(arrived).items():
                by_key[key].append(arrived._replace(parts=parts))
        until = max((each.at for each in arrivals), default=0) if until is None else until
        before = len(self.firings)
        for key in dict.fromkeys((*self.states, *by_key, *self._epochs(until))):
            self.pass_time(key, until, by_key[key])
        return self.firings[before:]

    def pass_time(self, key: str, until: int, arrivals: Iterable[Arrived] = ()) -> Advanced:
        state = self.states[key]
        if self._restarts:
            state = State.read(json.loads(json.dumps(state.data())))
        self.last[key] = advance(self.trigger, key, state, arrivals, until, self.world)
        self.states[key] = self.last[key].state
        return self.last[key]

    def _keys(self, arrived: Arrived) -> Mapping[str, tuple[str, ...]]:
        update = PLAIN._replace(nominal_at=arrived.nominal_at, partition=arrived.partition)
        return keys_of(self.trigger, self.trigger.inputs[arrived.input], update, arrived.name, arrived.at)

    def _epochs(self, until: int) -> Iterator[str]:
        if self.trigger.join.mode is not Mode.EPOCH:
            return
        wanted = next(self.trigger.when.inputs())
        at: int | None = NOON
        while at is not None and at <= until:
            yield from keys_of(self.trigger, wanted, PLAIN, "", at)
            at = ticks(self.trigger).after(at + self.trigger.join.tolerance)
            at = None if at is None else at - self.trigger.join.tolerance


def consumed(firing: Firing) -> dict[str, list[int]]:
    """Say when what a firing took of each input had come, where it took something."""
    return {each.input: [one.at for one in each.updates] for each in firing.consumed if each.updates}
