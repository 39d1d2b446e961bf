"""How datasets stand to what is expected of them, as of now: under names that the caller knows, with alerts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from collector.errors import NotFound
from collector.questions.scope import Scope
from collector.questions.traits import MOST_COUNTED, Trait, Value, values_of
from collector.storage import alert_reads, forecasts, labels, standing_reads
from collector.storage.alert_reads import AlertRow, Cause
from collector.storage.dataset_reads import Update
from collector.storage.forecasts import Forecast
from collector.storage.node_facts import canonical, newest_updates
from collector.storage.pages import Key, Page
from collector.storage.run_origins import written_by
from collector.storage.standing_reads import ANYTHING, Decided, Kept, Seen, Sort, Wanted
from lineage.model import DatasetRef, JobRef
from lineage.traverse import text
from triggers.deadlines import timetable
from triggers.documents import CONDITIONS, expectation_of
from triggers.evaluate import lateness
from triggers.forecasting import FORECAST, Outlook
from triggers.model import Due, Expectation
from triggers.sentences import sentence
from triggers.verdict import State
from triggers.wording import wording

HELD_US = 2_000_000
"""µs after its time within which a dataset is looked at where nothing holds the engine up."""


@dataclass(frozen=True, slots=True)
class Foretold:
    """When data will come; ``sentence`` is None for those who may not see everything: it names jobs upstream."""

    forecast: Forecast
    outlook: Outlook
    sentence: str | None


class Awaited(NamedTuple):
    """A release, and from when on it is late (µs UTC)."""

    release: int
    deadline: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a dataset stands to an expectation; times and durations in µs (UTC)."""

    dataset: DatasetRef
    kept: Kept
    expectation: Expectation
    condition: str
    """The key of its condition in the rules."""
    late_by: int | None
    """By how much it is late now, or came too late."""
    held: bool
    """It is time to look again, but the engine does not see that far: events wait, or emitters catch up."""
    sentence: str
    last_update: Update | None
    alert: AlertRow | None
    forecast: Foretold | None
    awaited: Awaited | None
    """The release that is to come next, or should have come; None: none is known."""

    @property
    def cause(self) -> Cause | None:
        """What explains its alert."""
        return self.alert.cause if self.alert else None


@dataclass(frozen=True, slots=True)
class Defined:
    """An expectation, and how many of its datasets stand how."""

    id: str
    body: dict[str, Any] | None
    """As the rules have it; None if it is about more than the caller may see."""
    condition: str
    severity: str
    timezone: str
    states: Mapping[State, int]
    sentence: str | None
    """What is expected, in words; None as of the body."""

    @property
    def datasets(self) -> int:
        return sum(self.states.values())


@dataclass(frozen=True, slots=True)
class Told:
    """What was decided, in a sentence."""

    decided: Decided
    timezone: str
    sentence: str


class Standings:
    """Answers out of what the engine keeps."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._conn = scope.conn
        self._unnamed = {} if scope.visible is None else self._only_in_rules()
        self._seen = Seen(scope.visible, self._unnamed.keys())
        self._seen_alerts = alert_reads.seen_by(scope.conn, scope.visible, scope.sees)

    def page(
        self, wanted: Wanted, *, after: Key | None, limit: int, sort: Sort = Sort.WORST
    ) -> Page[Standing]:
        """List how datasets stand, the worst first unless told otherwise."""
        wanted = self._narrowed(wanted)
        found = standing_reads.list_standings(
            self._conn, wanted, self._seen, after=after, limit=limit, sort=sort
        )
        return Page(self._standings(found.items), found.next)

    def picked(
        self,
        owner: str | None,
        tag: str | None,
        *,
        tool: str | None = None,
        writer: JobRef | None = None,
    ) -> set[int] | None:
        """Give the datasets with an owner, a tag, a tool, and a job that writes them now, as far as these are given.

        None if none of them is.
        """
        found = None if writer is None else written_by(self._conn, writer.id)
        for wanted, known in ((owner, labels.owners), (tag, labels.tags)):
            if wanted is not None:
                ids = {id_ for id_, texts in known(self._conn, found).items() if wanted in texts}
                found = ids if found is None else found & ids
        if tool is not None:
            asked = standing_reads.dataset_ids(self._conn) if found is None else found
            made = labels.tools(self._conn, asked, visible=self._scope.visible)
            found = {id_ for id_, texts in made.items() if tool in texts}
        return found

    def counts(self, wanted: Wanted = ANYTHING) -> dict[State, int]:
        """Count by state, every state."""
        found = standing_reads.count_states(self._conn, self._seen, self._narrowed(wanted))
        return {state: found.get(state, 0) for state in State}

    def values(
        self, chosen: Mapping[Trait, Collection[str]], wanted: Wanted = ANYTHING
    ) -> dict[Trait, list[Value]] | None:
        """Count what is wanted by what it can be picked out by, see ``values_of``; None if there is too much of it."""
        found = standing_reads.keys(self._conn, self._narrowed(wanted), self._seen, MOST_COUNTED + 1)
        if len(found) > MOST_COUNTED:
            return None
        unnamed = self._unnamed or self._only_in_rules()
        return values_of(self._conn, self._scope.visible, found, unnamed, chosen)

    def expectations(self, *, after: Key | None, limit: int) -> Page[Defined]:
        """List expectations by id."""
        page = standing_reads.list_expectations(self._conn, self._seen, after=after, limit=limit)
        found = self._defined(page.items)
        return page.map(found.__getitem__)

    def ids(self, limit: int) -> Page[str]:
        """List the ids of expectations."""
        return standing_reads.list_expectations(self._conn, self._seen, after=None, limit=limit)

    def expectation(self, id_: str) -> Defined:
        """Look an expectation up; raises ``NotFound``, also for one that covers nothing that the caller may see."""
        found = self._defined([id_]).get(id_)
        if found is None or (self._scope.visible is not None and not found.datasets):
            raise NotFound(f"There is no expectation {id_!r}.")
        return found

    def history(
        self, expectation_id: str | None, dataset_id: int, *, after: Key | None, limit: int
    ) -> Page[Told]:
        """List what was decided of a dataset, the newest first."""
        page = standing_reads.decisions(self._conn, expectation_id, dataset_id, after=after, limit=limit)
        zones = self._timezones({decided.kept.expectation_id for decided in page.items})
        return page.map(
            lambda decided: Told(
                decided,
                zone := zones.get(decided.kept.expectation_id, "UTC"),
                sentence(decided.kept.reason, zone),
            )
        )

    def dataset_id(self, namespace: str, name: str) -> int:
        """Give the canonical id of a dataset of which something is expected, or that an event has named.

        Raises ``NotFound``, also for what the caller may not see.
        """
        ref = DatasetRef(namespace, name)
        known = canonical(self._conn, [ref.id]).get(ref.id)
        if self._scope.sees(namespace):
            if known is not None:
                return known
            wanted = Wanted(dataset_ids=[ref.id])
            if standing_reads.list_standings(self._conn, wanted, self._seen, after=None, limit=1).items:
                return ref.id
        raise NotFound(f"There is no dataset {name!r} in namespace {namespace!r}.")

    def find(self, node: str) -> tuple[DatasetRef, bool]:
        """Find what ``dataset:NS:NAME`` means, and say whether an event has named it, or rules alone.

        Raises as ``Scope.find`` does, and ``NotFound`` for a job.
        """
        try:
            ref = self._scope.find(node)
        except NotFound:
            refs = self._only_in_rules().values()
            known = next((ref for ref in refs if text("dataset", ref) == node), None)
            if known is None:
                raise
            return known, False
        if not isinstance(ref, DatasetRef):
            raise NotFound(f"{node!r} is no dataset; of jobs nothing is expected.")
        return ref, True

    def _narrowed(self, wanted: Wanted) -> Wanted:
        """Find what is asked for by name among what only rules have named."""
        if wanted.namespace is None and wanted.name is None:
            return wanted
        refs = self._unnamed or self._only_in_rules()
        named = [
            id_
            for id_, ref in refs.items()
            if wanted.namespace in (None, ref.namespace) and wanted.name in (None, ref.name)
        ]
        return replace(wanted, so_named=named)

    def _only_in_rules(self) -> dict[int, DatasetRef]:
        """Give the datasets that no event has named, of namespaces that the caller sees."""
        pairs = standing_reads.unnamed(self._conn)
        bodies = standing_reads.definitions(self._conn, {id_ for id_, _ in pairs})
        refs = {dataset_id: named_in(bodies.get(id_, {}), dataset_id) for id_, dataset_id in pairs}
        return {id_: ref for id_, ref in refs.items() if ref is not None and self._scope.sees(ref.namespace)}

    def _standings(self, found: Sequence[Kept]) -> list[Standing]:
        bodies = standing_reads.definitions(self._conn, {kept.expectation_id for kept in found})
        ids = {kept.dataset_id for kept in found}
        names = self._scope.graph().datasets(ids)
        updates = newest_updates(self._conn, ids, self._scope.visible)
        alerts = alert_reads.open_alerts(self._conn, ids, self._seen_alerts)
        outlooks = {each.key: each for each in forecasts.of_datasets(self._conn, ids)}
        standings = []
        for kept in found:
            body = bodies.get(kept.expectation_id)
            if body is None:
                continue  # the rule has gone, and the engine has not followed yet
            named = names.get(kept.dataset_id)
            ref = DatasetRef(named.namespace, named.name) if named else named_in(body, kept.dataset_id)
            if ref is None:
                continue  # hidden since
            expectation = expectation_of(body)
            standings.append(
                Standing(
                    ref,
                    kept,
                    expectation,
                    condition_of(body),
                    self._late_by(expectation, kept),
                    self._held(kept),
                    sentence(kept.reason, expectation.timezone),
                    updates.get(kept.dataset_id),
                    _first(alerts.get((kept.expectation_id, kept.dataset_id), ())),
                    self._foretold(outlooks.get((kept.expectation_id, kept.dataset_id)), expectation),
                    self._awaited(expectation, kept),
                )
            )
        return standings

    def _awaited(self, expectation: Expectation, kept: Kept) -> Awaited | None:
        met = kept.state in (State.FRESH, State.RECOVERED)
        if isinstance(expectation.condition, Due) and (met or kept.release is None):
            # What came first is of no release, and what never came was not due yet.
            after = self._scope.now if kept.release is None else kept.release
            release = timetable(expectation.condition, expectation.timezone).after(after)
            return None if release is None else Awaited(release, release + expectation.grace.late)
        if kept.release is None or kept.deadline is None:
            return None
        return Awaited(kept.release, kept.deadline)

    def _foretold(self, found: Forecast | None, expectation: Expectation) -> Foretold | None:
        """Give what is foretold of the release that is awaited."""
        if found is None or found.outlook is None:
            return None
        if self._scope.visible is not None:
            return Foretold(found, found.outlook, None)
        return Foretold(found, found.outlook, sentence(found.outlook.reason, expectation.timezone))

    def _held(self, kept: Kept) -> bool:
        due = kept.next_look is not None and kept.next_look < self._scope.now - HELD_US
        return due and not kept.state.violated

    def _late_by(self, expectation: Expectation, kept: Kept) -> int | None:
        late = kept.state in (State.LATE, State.MISSED)
        if not late or kept.deadline is None or kept.deadline > self._scope.now:
            return kept.late_by
        return lateness(expectation, kept.deadline, self._scope.now)

    def _defined(self, ids: Sequence[str]) -> dict[str, Defined]:
        bodies = standing_reads.definitions(self._conn, ids)
        states = standing_reads.tallies(self._conn, ids, self._seen)
        return {
            id_: Defined(
                id_,
                body if self._may_read(body) else None,
                condition_of(body),
                body.get("severity", "warning"),
                body["timezone"],
                states.get(id_, {}),
                wording(expectation_of(body)) if self._may_read(body) else None,
            )
            for id_, body in bodies.items()
        }

    def _may_read(self, body: Mapping[str, Any]) -> bool:
        """Tell whether an expectation names nothing that the caller may not see."""
        if self._scope.visible is None:
            return True
        selector = body["dataset"]
        around = {"downstream_of", "needed_by"} & selector.keys()
        return not around and self._scope.sees(selector.get("namespace", ""))

    def _timezones(self, ids: Collection[str]) -> dict[str, str]:
        return {id_: body["timezone"] for id_, body in standing_reads.definitions(self._conn, ids).items()}


def _first(alerts: Sequence[AlertRow]) -> AlertRow | None:
    """Give the alert that has been open longest; one about what is to come only if there is no other."""
    return min(
        alerts, key=lambda each: (dict(FORECAST).items() <= each.labels.items(), each.starts_at), default=None
    )


def condition_of(body: Mapping[str, Any]) -> str:
    """Give the key of the condition of an expectation."""
    return next(name for name in CONDITIONS if name in body)


def named_in(body: Mapping[str, Any], dataset_id: int) -> DatasetRef | None:
    """Give the name of a dataset, if it is the one that an expectation names in full."""
    selector = body.get("dataset", {})
    ref = DatasetRef(selector.get("namespace", ""), selector.get("name", ""))
    return ref if ref.id == dataset_id else None
