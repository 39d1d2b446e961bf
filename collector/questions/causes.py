"""What is wrong, each with all that it explains: the cards that people look at when something is late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from collector.questions.scope import Scope
from collector.questions.upstream import FAILED_RUN, RUNNING_LATE
from collector.storage import alert_reads, causes
from collector.storage.alert_reads import AlertRow, Wanted
from collector.storage.causes import Counts, Tally
from collector.storage.pages import Key, Page
from collector.storage.runs import RunRow, last_run_ids, runs_by_id
from triggers.forecasting import FORECAST

LONGEST_ERROR: Final = 4_000
"""Characters of an error message that are given here; the run has all of it."""

WORDS: Final = {FAILED_RUN: "failed", RUNNING_LATE: "takes longer than usual"}
"""What is wrong with a job, by the kind of fault."""


@dataclass(frozen=True, slots=True)
class CauseShown:
    """Something that is wrong, and that nothing else explains as far as the caller may see."""

    alert: AlertRow
    tally: Tally
    affected: list[AlertRow]
    """Some of what it explains."""
    run: RunRow | None
    """The newest run, if it is a job."""

    @property
    def title(self) -> str:
        return title(self.alert)


class Causes:
    """Answers out of what the engine keeps."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.seen = alert_reads.seen_by(scope.conn, scope.visible, scope.sees)

    def page(
        self, wanted: Wanted, *, since: int | None = None, after: Key | None, limit: int, named: int
    ) -> Page[CauseShown]:
        """List causes as ``storage.causes.list_causes`` does; of what each explains, ``named`` are given."""
        conn, ended = self._scope.conn, wanted.which == "ended"
        page = causes.list_causes(
            conn, wanted, self.seen, self._lingering, since=since, after=after, limit=limit
        )
        return Page(self._shown(page.items, named, ended=ended), page.next)

    def one(self, alert_id: int) -> CauseShown:
        """Give an alert with what it comes to, be it a cause or not; raises ``NotFound``."""
        found = alert_reads.find_alert(self._scope.conn, alert_id, self.seen)
        return self._shown([found], 0, ended=found.ends_at is not None)[0]

    def count(self) -> Counts:
        """Count what is wrong now."""
        return causes.count(self._scope.conn, self.seen, self._lingering)

    @cached_property
    def _lingering(self) -> list[int]:
        return causes.lingering(self._scope.conn)

    def _shown(self, found: Sequence[AlertRow], named: int, *, ended: bool) -> list[CauseShown]:
        conn = self._scope.conn
        tallies = causes.tallies(conn, found, self.seen, self._scope.now, ended=ended)
        explained = {} if ended or not named else causes.affected(conn, found, self.seen, named)
        jobs = last_run_ids(conn, [each.subject_id for each in found if each.type == "job"])
        runs = runs_by_id(conn, jobs.values(), self._scope.visible)
        return [
            CauseShown(
                each, tallies[each.id], explained.get(each.id, []), runs.get(jobs.get(each.subject_id, 0))
            )
            for each in found
        ]


def title(found: AlertRow) -> str:
    """Say in a few words what is wrong: ``load_files failed``."""
    if found.type == "job":
        return f"{found.name} {WORDS[found.rule]}" if found.rule in WORDS else found.text.partition(". ")[0]
    if found.labels == dict(FORECAST):
        return f"{found.name} will probably be late"
    return found.text.partition(". ")[0].removesuffix(".")
