"""Facts that grow as history is gone through: what was known, at the moment that it was."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

from lineage.runs import Update
from triggers.facts import Check, Facts, SchemaSeen
from triggers.needs import SIZES, Need, suffice

_at = attrgetter("event_time")


class SchemaSighting(NamedTuple):
    """A version of the ``schema`` facet, and when it was seen first and last (µs UTC)."""

    hash: bytes
    facet: dict[str, Any]
    first: int
    last: int


@dataclass(slots=True)
class Change:
    """What became known of a dataset (canonical id) by one event; ``gone``: what was said before is not so."""

    at: int
    """When the event was received (µs UTC)."""
    dataset_id: int
    new: list[Update] = field(default_factory=list)
    gone: list[Update] = field(default_factory=list)
    new_checks: list[Check] = field(default_factory=list)
    gone_checks: list[Check] = field(default_factory=list)
    schemas: list[SchemaSighting] = field(default_factory=list)


class GrowingFacts:
    """What is known of datasets, by canonical id. Satisfies ``triggers.needs.FactSource``."""

    def __init__(self) -> None:
        self._updates: defaultdict[int, Updates] = defaultdict(Updates)
        self._checks: defaultdict[int, Checks] = defaultdict(Checks)
        self._schemas: defaultdict[int, dict[bytes, SchemaSighting]] = defaultdict(dict)

    def take(self, change: Change) -> None:
        """Take in what became known."""
        if change.new or change.gone:
            updates = self._updates[change.dataset_id]
            for update in change.gone:
                updates.drop(update)
            for update in change.new:
                updates.take(update)
        if change.new_checks or change.gone_checks:
            checks = self._checks[change.dataset_id]
            for check in change.gone_checks:
                checks.drop(check)
            for check in change.new_checks:
                checks.take(check)
        for seen in change.schemas:
            versions = self._schemas[change.dataset_id]
            known = versions.get(seen.hash, seen)
            versions[seen.hash] = seen._replace(
                first=min(seen.first, known.first), last=max(seen.last, known.last)
            )

    def facts(self, wanted: Mapping[int, Need]) -> dict[int, Facts]:
        return {id_: self._of(id_, need) for id_, need in wanted.items()}

    def _of(self, dataset_id: int, need: Need) -> Facts:
        updates: Sequence[Update] = ()
        if need.asked and dataset_id in self._updates:
            updates = self._updates[dataset_id].serving(need)
        checks: Sequence[Check] = ()
        if need.checks and dataset_id in self._checks:
            checks = self._checks[dataset_id].newest({update.run_id for update in updates})
        schemas: Sequence[SchemaSeen] = ()
        if need.schemas and dataset_id in self._schemas:
            versions = self._schemas[dataset_id]
            times = {hash_: (seen.first, seen.last) for hash_, seen in versions.items()}
            schemas = [SchemaSeen(at, versions[hash_].facet) for hash_, at in in_force(times)]
        return Facts(updates, checks, schemas)

    def after(self, dataset_id: int, at: int, run_id: int) -> tuple[list[Check], int | None]:
        """Give the checks of a dataset since an instant, and those of a run; and when it was updated next after it."""
        checks = self._checks[dataset_id].since(at, run_id) if dataset_id in self._checks else []
        updates = self._updates.get(dataset_id)
        return checks, None if updates is None else updates.next_after(at)

    def everything(self, dataset_id: int) -> Facts:
        """Give all that is known of a dataset."""
        wanted = self._of(dataset_id, Need(schemas=True))
        return Facts(self._updates[dataset_id].all, self._checks[dataset_id].all(), wanted.schemas)


class Updates:
    """The updates of one dataset by their time, each with what later ones have to be compared with."""

    def __init__(self) -> None:
        self.all: list[Update] = []
        self._times: list[int] = []
        self._greatest: list[Update | None] = []
        """Of those up to each: the one with the greatest nominal time."""
        self._versions: dict[str, Update] = {}
        """The first of each."""

    def take(self, update: Update) -> None:
        """Add one."""
        place = bisect_right(self.all, _order(update), key=_order)
        self._times.insert(place, update.event_time)
        self.all.insert(place, update)
        self._mend(place)
        if update.version is not None:
            first = self._versions.setdefault(update.version, update)
            if _order(update) < _order(first):
                self._versions[update.version] = update

    def drop(self, update: Update) -> None:
        """Take one away; one that is not there is no harm."""
        place = bisect_left(self._times, update.event_time)
        while place < len(self.all) and self._times[place] == update.event_time:
            if self.all[place] == update:
                del self.all[place], self._times[place]
                self._mend(place)
                self._forget_version(update)
                return
            place += 1

    def next_after(self, at: int) -> int | None:
        """Give the time of the first one after an instant."""
        place = bisect_right(self._times, at)
        return self._times[place] if place < len(self._times) else None

    def serving(self, need: Need) -> list[Update]:
        """Give so many of the newest that they suffice."""
        for size in SIZES:
            if need.before <= size:
                updates, whole_from = self._newest(need.since, size)
                if suffice(need, updates, whole_from):
                    return updates
        return self.all

    def _newest(self, since: int, size: int) -> tuple[list[Update], int | None]:
        start = bisect_left(self._times, since) - size
        if start > 0:
            start = bisect_left(self._times, self._times[start])
        if start <= 0:
            return self.all[:], None
        updates = self.all[start:]
        before = [self._greatest[start - 1]]
        before += [self._versions[each.version] for each in updates if each.version is not None]
        whole_from = self._times[start]
        updates += {each for each in before if each is not None and each.event_time < whole_from}
        return updates, whole_from

    def _mend(self, place: int) -> None:
        del self._greatest[place:]
        greatest = self._greatest[-1] if self._greatest else None
        for each in self.all[place:]:
            greatest = _greater(greatest, each)
            self._greatest.append(greatest)

    def _forget_version(self, update: Update) -> None:
        if update.version is not None and self._versions.get(update.version) == update:
            del self._versions[update.version]
            others = [each for each in self.all if each.version == update.version]
            if others:
                self._versions[update.version] = others[0]


class Checks:
    """The results of the checks of one dataset."""

    def __init__(self) -> None:
        # Of a severity each: a rule may leave out those that only warn.
        self._kinds: defaultdict[tuple[str, str | None], list[Check]] = defaultdict(list)
        self._by_run: defaultdict[int, list[Check]] = defaultdict(list)

    def take(self, check: Check) -> None:
        """Add a result."""
        insort(self._kinds[check.key, check.severity], check, key=_at)
        self._by_run[check.run_id].append(check)

    def drop(self, check: Check) -> None:
        """Take a result away."""
        self._kinds[check.key, check.severity].remove(check)
        self._by_run[check.run_id].remove(check)

    def newest(self, run_ids: Iterable[int]) -> list[Check]:
        """Give the newest results of each check, and those of these runs."""
        found: list[Check] = []
        for results in self._kinds.values():
            for check in reversed(results):
                if check.event_time < results[-1].event_time:
                    break
                found.append(check)
        return found + [check for run_id in run_ids for check in self._by_run.get(run_id, ())]

    def since(self, at: int, run_id: int) -> list[Check]:
        """Give the results from an instant on, and those of a run."""
        found = [
            check
            for results in self._kinds.values()
            for check in results[bisect_left(results, at, key=_at) :]
            if check.run_id != run_id
        ]
        return found + self._by_run.get(run_id, [])

    def all(self) -> list[Check]:
        """Give all results."""
        return [check for results in self._kinds.values() for check in results]


def in_force(versions: Mapping[bytes, tuple[int, int]]) -> list[tuple[bytes, int]]:
    """Say from when on each version of a facet, given with when it was first and last seen, was in force.

    Versions are in force from when they were first seen; one that came back, from when the others were seen last.
    """
    found = [(version, first) for version, (first, _) in versions.items()]
    current = max(versions, key=lambda version: (versions[version][1], version))
    others = [last for version, (_, last) in versions.items() if version != current]
    if others and max(others) >= versions[current][0]:
        found.append((current, max(others) + 1))
    return found


def _order(update: Update) -> tuple[int, int]:
    """Order those of one instant as well: which of them came first must not depend on the order of their coming."""
    return update.event_time, update.run_id


def _greater(one: Update | None, other: Update) -> Update | None:
    if other.nominal_at is None:
        return one
    return other if one is None or one.nominal_at is None or other.nominal_at > one.nominal_at else one
