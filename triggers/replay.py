"""What an engine that follows given rules would have decided over a stretch of history; the clock is an argument.

It looks as live does: at what a change touches, and wherever the time of a timer comes, one for each expectation and
dataset. So the same changes at the same times lead to the same decisions. What is left out are outages: here the
engine never sleeps and never lags.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from triggers.growing import Change, GrowingFacts
from triggers.looks import Stance, look
from triggers.model import Expectation
from triggers.needs import need
from triggers.watermark import SLACK


class Pair(NamedTuple):
    """What has a timer of its own."""

    expectation_id: str
    dataset_id: int


@dataclass(frozen=True, slots=True)
class Look:
    """A decision: how a dataset stands to an expectation is not what it was."""

    at: int
    """µs UTC, by the clock by which absence is judged: it never goes back."""
    pair: Pair
    stance: Stance


class Replay:
    """A run through history, from ``start`` on.

    ``facts`` holds what was known at the start. ``bindings`` are the datasets (canonical ids) of each expectation.
    ``slack`` is by how much the clock of decisions lags behind what is received, as it does live.
    """

    def __init__(
        self,
        expectations: Mapping[str, Expectation],
        bindings: Mapping[str, Collection[int]],
        facts: GrowingFacts,
        start: int,
        *,
        slack: int = SLACK,
    ) -> None:
        self._expectations = expectations
        self._facts = facts
        self._slack = slack
        self._now = start
        self._stances: dict[Pair, Stance] = {}
        self._timers: list[tuple[int, Pair]] = []
        self._due: dict[Pair, int] = {}
        self._of: dict[int, list[Pair]] = defaultdict(list)
        for id_ in sorted(bindings):
            for dataset_id in sorted(bindings[id_]):
                self._of[dataset_id].append(Pair(id_, dataset_id))

    def run(
        self, changes: Iterable[Change], end: int, progress: Callable[[int], None] = lambda at: None
    ) -> Iterator[Look]:
        """Give the decisions until before ``end``, the first of each pair as it stands at the start.

        ``changes`` come in order of receipt; of those before the start nothing is decided. ``progress`` is called with
        the time reached.
        """
        begun = False
        for at, group in groupby(changes, key=attrgetter("at")):
            if at >= end:
                break
            if not begun and at >= self._now:
                begun = True
                yield from self._look_at_all()
            touched: dict[int, None] = {}
            if begun:
                yield from self._until(at - self._slack)
            for change in group:
                self._facts.take(change)
                touched[change.dataset_id] = None
            if begun:
                self._now = max(self._now, at - self._slack)
                yield from self._look_at(pair for id_ in touched for pair in self._of.get(id_, ()))
                progress(self._now)
        if not begun:
            yield from self._look_at_all()
        yield from self._until(end - 1)
        progress(end)

    def _look_at_all(self) -> Iterator[Look]:
        return self._look_at(pair for pairs in self._of.values() for pair in pairs)

    def _until(self, now: int) -> Iterator[Look]:
        """Look wherever it is time to, up to and with ``now``."""
        while self._timers and self._timers[0][0] <= now:
            at, pair = heappop(self._timers)
            if self._due.get(pair) == at:
                self._now = max(self._now, at)
                yield from self._look_at((pair,))

    def _look_at(self, pairs: Iterable[Pair]) -> Iterator[Look]:
        now = self._now
        for pair in pairs:
            expectation = self._expectations[pair.expectation_id]
            known = self._facts.facts({pair.dataset_id: need(expectation, now)})[pair.dataset_id]
            before = self._stances.get(pair)
            after = self._stances[pair] = look(expectation, known, before, now)
            self._arm(pair, after.verdict.next_look)
            if after.differs(before):
                yield Look(now, pair, after)

    def _arm(self, pair: Pair, at: int | None) -> None:
        """Set the one timer of a pair; what the heap still holds of an earlier one is passed over."""
        if at is None:
            self._due.pop(pair, None)
        elif self._due.get(pair) != at:
            self._due[pair] = at
            heappush(self._timers, (at, pair))
