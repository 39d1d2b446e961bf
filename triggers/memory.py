"""Facts kept in memory, as they were known at any time: what a replay judges by."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

from lineage.runs import Update
from triggers.facts import Check, Facts, SchemaSeen
from triggers.growing import Checks, Updates
from triggers.needs import Need

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
            updates = self._updates[dataset_id].move(self.until).serving(need)
        checks: Sequence[Check] = ()
        if need.checks and dataset_id in self._checks:
            results = self._checks[dataset_id].move(self.until)
            checks = results.newest({update.run_id for update in updates})
        schemas: Sequence[SchemaSeen] = ()
        if need.schemas and dataset_id in self._schemas:
            known_schemas = self._schemas[dataset_id]
            schemas = known_schemas[: _known_by(known_schemas, self.until, attrgetter("at"))]
        return Facts(updates, checks, schemas)


class _Updates:
    """The updates of one dataset: those that are coming, by when they were received, and those known."""

    def __init__(self, updates: Iterable[Update]) -> None:
        self._coming = sorted(updates, key=attrgetter("received_at"))
        self._taken = 0
        self._known = Updates()

    def move(self, until: int | None) -> Updates:
        taken = _known_by(self._coming, until, attrgetter("received_at"))
        if taken < self._taken:
            self._taken, self._known = 0, Updates()
        for update in self._coming[self._taken : taken]:
            self._known.take(update)
        self._taken = taken
        return self._known


class _Checks:
    """The results of the checks of one dataset: those that are coming, and those known."""

    def __init__(self, checks: Iterable[Check]) -> None:
        self._coming = sorted(checks, key=attrgetter("event_time"))
        self._taken = 0
        self._known = Checks()

    def move(self, until: int | None) -> Checks:
        taken = _known_by(self._coming, until, attrgetter("event_time"))
        if taken < self._taken:
            self._taken, self._known = 0, Checks()
        for check in self._coming[self._taken : taken]:
            self._known.take(check)
        self._taken = taken
        return self._known


def _known_by(coming: Sequence[T], until: int | None, at: Callable[[T], int]) -> int:
    """Give how many of ``coming``, in order of time, are known at an instant."""
    return len(coming) if until is None else bisect_right(coming, until, key=at)
