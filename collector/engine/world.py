"""What triggers have to know of everything else, as one reading of the database has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from collector.storage import firings, gate_facts
from collector.storage.joins import Whole
from triggers.arrivals import Arrived
from triggers.conditions import Gate, Input, Trigger
from triggers.evaluation import OPEN, Passed
from triggers.firings import Cause, Firing
from triggers.gates import judged
from triggers.holds import Hold
from triggers.joins import State
from triggers.restraints import dropped, held_by_window, looping, missed, too_often
from triggers.rules import RuleSet
from triggers.verdict import State as Met
from triggers.watermark import Outage

Stood = Mapping[tuple[str, int], Met]
"""How datasets (canonical ids) stand to expectations, where this round has found out."""


class World:
    """Satisfies ``triggers.joins.World`` for one round. ``broken`` are the triggers that fired too often in it."""

    def __init__(
        self,
        conn: Connection,
        rules: RuleSet,
        wholes: Mapping[str, Whole],
        in_flight: Mapping[tuple[str, str], int],
        stood: Stood,
        outage: Outage | None,
        now: int,
    ) -> None:
        self._conn = conn
        self._rules = rules
        self._wholes = wholes
        self._in_flight = defaultdict(int, in_flight)
        self._stood = stood
        self._outage = outage
        self._now = now
        self._judged: dict[tuple[Gate, str], gate_facts.Found] = {}
        self._fired: dict[str, list[int]] = {}
        self.broken: set[str] = set()

    def passes(self, wanted: Input, arrived: Arrived, at: int) -> Passed:
        gate = wanted.gate
        if gate is None:
            return OPEN
        key = (gate, arrived.update)
        found = self._judged.get(key)
        if found is None:
            found = self._judged[key] = gate_facts.of(self._conn, gate, arrived, self._stood)
        return judged(gate, arrived, found.checks, found.next_at, found.states, at, run_id=found.run_id)

    def holds(self, trigger: Trigger, key: str, state: State, at: int) -> Iterator[Hold]:
        whole = self._wholes[trigger.id]
        if whole.paused_at is not None:
            yield Hold("paused", None, f"by {whole.paused_by}: {whole.paused_reason or 'no reason given'}")
        if self._rules.windows:
            yield from held_by_window(self._rules.windows, trigger, state.pending, at)
        guard = trigger.guard
        if guard.max_in_flight is not None and self._in_flight[trigger.id, key] >= guard.max_in_flight:
            yield Hold("in_flight", None, f"{self._in_flight[trigger.id, key]} of its runs go on")
        if (loop := looping(trigger, state.pending)) is not None:
            yield loop

    def stops(self, trigger: Trigger, at: int) -> Iterator[Hold]:
        guard = trigger.guard
        if (
            self._wholes[trigger.id].broken_at is not None
            or trigger.id in self.broken
            or self._too_often(trigger, at)
        ):
            yield Hold("breaker", None, f"it fired {guard.max_fires} times; resume it when that is right")

    def _too_often(self, trigger: Trigger, at: int) -> bool:
        guard = trigger.guard
        if guard.per is None:
            return False
        if trigger.id not in self._fired:
            since = max(at - guard.per, self._wholes[trigger.id].since)
            self._fired[trigger.id] = firings.times(self._conn, trigger.id, since)
        if too_often(trigger, self._fired[trigger.id], at):
            self.broken.add(trigger.id)
        return trigger.id in self.broken

    def drops(self, trigger: Trigger, arrived: Arrived) -> bool:
        return bool(self._rules.windows) and dropped(self._rules.windows, trigger, arrived)

    def missed(self, trigger: Trigger, at: int) -> bool:
        return missed(trigger, at, self._outage, self._now)

    def fired(self, firing: Firing) -> None:
        if firing.skipped:
            return
        self._in_flight[firing.trigger, firing.key] += 1
        if firing.trigger in self._fired and firing.cause is not Cause.MANUAL:
            self._fired[firing.trigger].append(firing.at)
