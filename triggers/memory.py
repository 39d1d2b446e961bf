"""Facts kept in memory, as they were known at any time: what a replay judges by."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

from lineage.runs import Update
from triggers.facts import Check, Facts, SchemaSeen
from triggers.needs import SIZES, Need, suffice

T = TypeVar("T")


class MemoryFacts:
    """What is known of datasets, by canonical id. Satisfies ``triggers.needs.FactSource``.

    ``until`` (µs UTC; None: all is known) can be moved: what was received later is not known, neither is the result of
    a check, or a schema, that is of later. Moving it on costs as much as comes in between; moving it back begins anew.
    """

    def __init__(
        self,
        updates: Mapping[int, Iterable[Update]],
        checks: Mapping[int, Iterable[Check]] | None = None,
        schemas: Mapping[int, Iterable[SchemaSeen]] | None = None,
        until: int | None = None,
    ) -> None:
        self.until = until
        self._updates = {id_: _Updates(each) for id_, each in updates.items()}
        self._checks = {id_: _Checks(each) for id_, each in (checks or {}).items()}
        self._schemas = {id_: sorted(each, key=attrgetter("at")) for id_, each in (schemas or {}).items()}

    def facts(self, wanted: Mapping[int, Need]) -> dict[int, Facts]:
        return {id_: self._of(id_, need) for id_, need in wanted.items()}

    def _of(self, dataset_id: int, need: Need) -> Facts:
        updates: Sequence[Update] = ()
        if need.asked and dataset_id in self._updates:
            known = self._updates[dataset_id]
            known.move(self.until)
            updates = known.serving(need)
        checks: Sequence[Check] = ()
        if need.checks and dataset_id in self._checks:
            results = self._checks[dataset_id]
            results.move(self.until)
            checks = results.newest({update.run_id for update in updates})
        schemas: Sequence[SchemaSeen] = ()
        if need.schemas and dataset_id in self._schemas:
            known_schemas = self._schemas[dataset_id]
            schemas = known_schemas[: _known_by(known_schemas, self.until, attrgetter("at"))]
        return Facts(updates, checks, schemas)


class _Updates:
    """The updates of one dataset: those that are coming, by when they were received, and those known, by their time."""

    def __init__(self, updates: Iterable[Update]) -> None:
        self._coming = sorted(updates, key=attrgetter("received_at"))
        self._begin()

    def _begin(self) -> None:
        self._taken = 0
        self._known: list[Update] = []
        self._times: list[int] = []
        self._greatest: list[
            Update | None
        ] = []  # of those up to each: the one with the greatest nominal time
        self._versions: dict[str, Update] = {}  # the first of each

    def move(self, until: int | None) -> None:
        taken = _known_by(self._coming, until, attrgetter("received_at"))
        if taken < self._taken:
            self._begin()
        for update in self._coming[self._taken : taken]:
            self._take(update)
        self._taken = taken

    def _take(self, update: Update) -> None:
        place = bisect_right(self._times, update.event_time)
        self._times.insert(place, update.event_time)
        self._known.insert(place, update)
        self._greatest[place:] = []
        for each in self._known[place:]:
            last = self._greatest[-1] if self._greatest else None
            self._greatest.append(_greater(last, each))
        if update.version is not None:
            first = self._versions.setdefault(update.version, update)
            if update.event_time < first.event_time:
                self._versions[update.version] = update

    def serving(self, need: Need) -> list[Update]:
        """Give so many of the newest that they suffice."""
        for size in SIZES:
            if need.before <= size:
                updates, whole_from = self._newest(need.since, size)
                if suffice(need, updates, whole_from):
                    return updates
        return self._known

    def _newest(self, since: int, size: int) -> tuple[list[Update], int | None]:
        start = bisect_left(self._times, since) - size
        if start > 0:
            start = bisect_left(self._times, self._times[start])
        if start <= 0:
            return self._known[:], None
        updates = self._known[start:]
        before = [self._greatest[start - 1]]
        before += [self._versions[each.version] for each in updates if each.version is not None]
        whole_from = self._times[start]
        updates += {each for each in before if each is not None and each.event_time < whole_from}
        return updates, whole_from


class _Checks:
    """The results of the checks of one dataset: those that are coming, and the newest of those known."""

    def __init__(self, checks: Iterable[Check]) -> None:
        self._coming = sorted(checks, key=attrgetter("event_time"))
        self._begin()

    def _begin(self) -> None:
        self._taken = 0
        self._newest: dict[tuple[str, str | None], list[Check]] = {}
        self._by_run: defaultdict[int, list[Check]] = defaultdict(list)

    def move(self, until: int | None) -> None:
        taken = _known_by(self._coming, until, attrgetter("event_time"))
        if taken < self._taken:
            self._begin()
        for check in self._coming[self._taken : taken]:
            # Of a severity each: a rule may leave out those that only warn.
            newest = self._newest.setdefault((check.key, check.severity), [])
            if newest and newest[0].event_time < check.event_time:
                newest.clear()
            newest.append(check)
            self._by_run[check.run_id].append(check)
        self._taken = taken

    def newest(self, run_ids: Iterable[int]) -> list[Check]:
        """Give the newest result of each check, and those of these runs."""
        found = [check for newest in self._newest.values() for check in newest]
        return found + [check for run_id in run_ids for check in self._by_run.get(run_id, ())]


def _known_by(coming: Sequence[T], until: int | None, at: Callable[[T], int]) -> int:
    """Give how many of ``coming``, in order of time, are known at an instant."""
    return len(coming) if until is None else bisect_right(coming, until, key=at)


def _greater(one: Update | None, other: Update) -> Update | None:
    if other.nominal_at is None:
        return one
    return other if one is None or one.nominal_at is None or other.nominal_at > one.nominal_at else one
