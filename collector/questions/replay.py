"""What rules would have said over a stretch of recorded history, and who would have been told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from sqlalchemy import Connection

from collector.questions.history import History, Wanted
from collector.questions.trigger_replay import Kept, kept_for
from collector.questions.upstream import FAILED_RUN, Upstream, upstream_of
from collector.storage.described import described
from collector.storage.failures import streaks
from collector.storage.selection import members
from triggers.alerts import Alert, Severity
from triggers.breaches import Described
from triggers.facts import Facts
from triggers.growing import GrowingFacts
from triggers.model import Assertions, Expectation, SchemaUnchanged, Volume
from triggers.outcomes import Outcome, outcomes
from triggers.pipeline import Notification
from triggers.rehearsal import Episode, Rehearsal
from triggers.replay import Look, Pair, Replay
from triggers.rules import RuleSet
from triggers.sentences import moment
from triggers.trigger_replay import Course as Fired
from triggers.verdict import State

COMPARED = 120
"""Updates before the start that are enough to judge the rows of those after it."""

BEFORE = 30 * 86_400_000_000
"""µs before the start in which failed runs are looked for that may still be the cause of something."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a dataset would have stood to an expectation; times and durations in µs (UTC)."""

    expectation: Expectation
    dataset: Described
    looks: Sequence[Look]
    outcomes: Sequence[Outcome]
    episodes: Sequence[Episode]
    states: Mapping[State, int]
    """How long it was in each state."""

    @property
    def met(self) -> int:
        return sum(outcome.met for outcome in self.outcomes)

    @property
    def late(self) -> int:
        """Releases whose data came, but too late."""
        return sum(not outcome.met and outcome.arrived is not None for outcome in self.outcomes)

    @property
    def missed(self) -> int:
        return sum(outcome.arrived is None and not outcome.met for outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What would have been said in ``since <= t < until`` (µs UTC)."""

    since: int
    until: int
    timezone: str
    events: int
    """Events gone through: those that can have a say."""
    courses: Sequence[Course]
    notifications: Sequence[Notification]
    triggers: Sequence[Fired] = ()


@dataclass(frozen=True, slots=True)
class Watch:
    """Who follows a replay: how many events there are, how many are done, and up to when decisions are made.

    Any of them may raise to end it.
    """

    begins: Callable[[int], None] = lambda events: None
    reads: Callable[[int], None] = lambda events: None
    decides: Callable[[int], None] = lambda at: None


NOBODY_WATCHES = Watch()


def replay(
    conn: Connection, rules: RuleSet, since: int, until: int, watch: Watch = NOBODY_WATCHES
) -> Replayed:
    """Go through the log from ``since`` to before ``until`` (µs UTC) with rules. Nothing is written."""
    expectations = rules.expectations
    bindings = members(conn, {id_: each.selector for id_, each in expectations.items()})
    kept = kept_for(conn, rules)
    history = History(conn, _wanted(expectations, bindings, kept), since, until)
    watch.begins(history.size)
    facts = GrowingFacts()
    for change in history.before():
        facts.take(change)
        kept.before(change)
    run = Replay(expectations, bindings, facts, since)
    looks = list(run.run(kept.passing(history.changes(watch.reads)), until, watch.decides))
    fired = kept.replay(conn, rules, bindings, looks, since, until)
    names = _named(conn, expectations, bindings)
    bad = {each.pair.dataset_id for each in looks if each.stance.bad_since is not None}
    upstream = upstream_of(conn, bad, rules.policy.depth)
    rehearsal = Rehearsal(
        expectations,
        names,
        upstream.graph,
        rules.policy,
        windows=lambda now: [
            window for each in rules.windows if each.mutes for window in each.windows(now, now + 1)
        ],
        causes=list(_failed(conn, upstream, rules.timezone, since, until)),
    )
    told = rehearsal.run(looks, until)
    by_pair: dict[Pair, list[Look]] = defaultdict(list)
    for each in looks:
        by_pair[each.pair].append(each)
    episodes: dict[tuple[str, str, str], list[Episode]] = defaultdict(list)
    for episode in told.episodes:
        episodes[episode.alert.rule, episode.alert.namespace, episode.alert.name].append(episode)
    courses = []
    for pair, mine in sorted(by_pair.items()):
        expectation, name = expectations[pair.expectation_id], names[pair.dataset_id]
        known = _recent(expectation, facts.everything(pair.dataset_id), since)
        courses.append(
            Course(
                expectation,
                name,
                mine,
                outcomes(expectation, known, since, until),
                episodes[expectation.id, name.namespace, name.name],
                _durations(mine, until),
            )
        )
    return Replayed(since, until, rules.timezone, history.size, courses, told.notifications, fired)


def _wanted(
    expectations: Mapping[str, Expectation], bindings: Mapping[str, Collection[int]], kept: Kept
) -> Wanted:
    def of(kind: type) -> set[int]:
        return {
            dataset_id
            for id_, ids in bindings.items()
            if isinstance(expectations[id_].condition, kind)
            for dataset_id in ids
        }

    return Wanted(of(object) | set(kept.datasets), of(Assertions) | set(kept.checked), of(SchemaUnchanged))


def _named(
    conn: Connection, expectations: Mapping[str, Expectation], bindings: Mapping[str, Collection[int]]
) -> dict[int, Described]:
    """Tell how datasets are called; those that nobody has named yet, as the rules do."""
    ids = {dataset_id for ids in bindings.values() for dataset_id in ids}
    found = described(conn, ids)
    for id_, dataset_ids in bindings.items():
        selector = expectations[id_].selector
        for dataset_id in dataset_ids:
            found.setdefault(dataset_id, Described(selector.namespace or "", selector.name or ""))
    return found


def _failed(conn: Connection, upstream: Upstream, timezone: str, since: int, until: int) -> Iterator[Alert]:
    """Give the jobs upstream of which runs failed, as alerts at causes only."""
    for failing in streaks(conn, list(upstream.jobs), since - BEFORE, until):
        job = upstream.jobs[failing.job_id]
        yield Alert(
            rule=FAILED_RUN,
            type="job",
            namespace=job.namespace,
            name=job.name,
            severity=Severity.INFO,
            starts=failing.since,
            ends=failing.until,
            last_good=failing.last_good,
            text=f"The run of {job.name} failed at {moment(failing.since, timezone)}.",
            only_as_cause=True,
        )


def _recent(expectation: Expectation, known: Facts, since: int) -> Facts:
    """Leave out of a long history of rows what no judgement of the rest looks at."""
    if not isinstance(expectation.condition, Volume):
        return known
    first = sum(update.event_time < since for update in known.updates)
    return replace(known, updates=known.updates[max(0, first - COMPARED) :])


def _durations(looks: Sequence[Look], until: int) -> dict[State, int]:
    found: dict[State, int] = defaultdict(int)
    times = [*(each.at for each in looks), until]
    for each, (start, end) in zip(looks, pairwise(times), strict=True):
        found[each.stance.state] += end - start
    return dict(found)
