"""The search over everything that has a name or an id; of each kind the best, as far as the caller may see them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final, Literal, NamedTuple

from collector.questions.scope import Scope
from collector.questions.standings import Standings
from collector.storage import alert_reads, name_search, runs, trigger_reads
from collector.storage.catalog import NodeType
from collector.storage.name_search import Match

Kind = Literal["dataset", "job", "run", "trigger", "expectation", "alert", "namespace"]

KINDS: Final[tuple[Kind, ...]] = (
    "dataset",
    "job",
    "run",
    "trigger",
    "expectation",
    "alert",
    "namespace",
)

MOST_RULES: Final = 10_000
"""Ids of expectations that are read."""


class Hit(NamedTuple):
    """Something found: ``id`` as its own page or operation takes it."""

    type: Kind
    id: str
    namespace: str | None
    name: str
    match: Match
    words: str | None = None
    """What there is to say besides the name: the text of an alert, the state of a run."""


class Found(NamedTuple):
    """What was found, the best first; not ``complete`` if there are more names than were read."""

    items: list[Hit]
    complete: bool


class Search:
    """One search."""

    def __init__(self, scope: Scope, q: str, limit: int) -> None:
        self._scope = scope
        self._conn = scope.conn
        self._q = q
        self._limit = limit
        self._complete = True

    def among(self, kinds: Collection[Kind]) -> Found:
        """Search among these kinds."""
        ways: dict[Kind, Callable[[], Iterator[Hit]]] = {
            "dataset": lambda: self._nodes("dataset"),
            "job": lambda: self._nodes("job"),
            "run": self._runs,
            "trigger": self._triggers,
            "expectation": self._expectations,
            "alert": self._alerts,
            "namespace": self._namespaces,
        }
        hits = [hit for kind in KINDS if kind in kinds for hit in ways[kind]()]
        # Stable: what is equally good stays in the order of its kinds.
        hits.sort(key=lambda hit: (hit.match, len(hit.name), hit.name))
        return Found(hits, self._complete)

    def _nodes(self, kind: NodeType) -> Iterator[Hit]:
        found, complete = name_search.search_names(
            self._conn, kind, self._q, visible=self._scope.visible, limit=self._limit
        )
        self._complete &= complete
        for each in found:
            text = f"{kind}:{each.namespace}:{each.name}"
            yield Hit(kind, text, each.namespace, each.name, each.match)

    def _runs(self) -> Iterator[Hit]:
        """Find runs by their whole id."""
        run_id = self._q.removeprefix("run:")
        for run in runs.find_runs(self._conn, run_id, None, visible=self._scope.visible, limit=self._limit):
            yield Hit("run", run.run_id, run.job.namespace, run.job.name, Match.EXACT, run.state)

    def _namespaces(self) -> Iterator[Hit]:
        found = name_search.search_namespaces(
            self._conn, self._q, visible=self._scope.visible, limit=self._limit
        )
        return (Hit("namespace", each.name, None, each.name, each.match) for each in found)

    def _triggers(self) -> Iterator[Hit]:
        return self._ids("trigger", trigger_reads.trigger_ids(self._conn, self._scope.visible))

    def _expectations(self) -> Iterator[Hit]:
        page = Standings(self._scope).ids(MOST_RULES)
        self._complete &= page.next is None
        return self._ids("expectation", page.items)

    def _ids(self, kind: Kind, ids: Collection[str]) -> Iterator[Hit]:
        found = [(match, len(id_), id_) for id_ in ids if (match := name_search.match_of(id_, self._q))]
        return (Hit(kind, id_, None, id_, match) for match, _, id_ in sorted(found)[: self._limit])

    def _alerts(self) -> Iterator[Hit]:
        """Find alerts by their id, and open ones by the name of what they are about."""
        seen = alert_reads.seen_by(self._conn, self._scope.visible, self._scope.sees)
        for each in alert_reads.search(self._conn, self._q, seen, self._limit):
            match = name_search.match_of(each.name, self._q) or Match.EXACT
            yield Hit("alert", str(each.id), each.namespace, each.name, match, each.text)
