"""The account of deadlines: what became of each release, by the same rules by which a dataset is judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from triggers.deadlines import Timetable, timetable
from triggers.evaluate import after, around, calendar_end, placed
from triggers.facts import Arrival, Check, Facts, arrivals, sift
from triggers.looks import Stance
from triggers.model import Assertions, Due, Expectation, MaxAge, SchemaUnchanged, Volume
from triggers.needs import Need, need
from triggers.quality import counts, judge_checks, judge_rows, judge_schema
from triggers.verdict import State, Verdict

NOTHING_YET = frozenset({"never", "nothing_new", "never_by"})
"""Reasons of a dataset for which nothing that counts has come."""


class Outcome(NamedTuple):
    """What became of one release; instants in µs UTC.

    ``arrived``: when what it needed was there; None: not yet, or never. What is judged when it comes (rows, checks,
    schemas) is a release of its own, with that time as its deadline.
    """

    release: int
    deadline: int
    arrived: int | None
    met: bool


def merged(written: Outcome, told: Outcome) -> Outcome:
    """Give what is kept of a release of which something is written already.

    The earliest arrival counts. A later look has read less of the past, so it may take what came later for the first;
    what an emitter has sent late is earlier. Of what is judged as it comes the last word counts.
    """
    if written.arrived is None:
        return told
    return told if told.arrived is not None and told.arrived <= written.arrived else written


class Settlement(NamedTuple):
    """What is to be written into the account after a look.

    ``new`` are outcomes that it may lack, ``changed`` are of earlier deadlines: they are written only over what is
    there, as nothing from before the account began belongs in it. All deadlines before ``settled_at`` are written then.
    ``next_at`` is the next deadline that passes although nothing happens (None: there is none).
    """

    new: list[Outcome]
    changed: list[Outcome]
    settled_at: int
    next_at: int | None


def outcomes(expectation: Expectation, facts: Facts, since: int, until: int) -> list[Outcome]:
    """Give what became of each release whose deadline lies in ``since <= deadline < until`` (µs UTC), in that order.

    What had come before the first update of all that is known was not expected by anybody, unless ``expect_first_by``
    says so. Data for a later release meets the earlier ones as well, at its own time. That something has not come is
    told only up to ``facts.complete_until``, and nothing from the end of the expectation's calendar on.
    """
    known = until - 1 if facts.complete_until is None else min(until - 1, facts.complete_until)
    found = (
        each
        for each in _all(expectation, facts, since, known, past=False, first=True)
        if since <= each.deadline < until and _sure(expectation, each, known)
    )
    return sorted(found, key=lambda outcome: (outcome.deadline, outcome.release))


def needed(expectation: Expectation, stance: Stance | None, settled_at: int | None, seen: int) -> Need:
    """Say what must be known of a dataset to look at it at ``seen`` (µs UTC) and to settle its account.

    It covers ``needs.need``. ``stance`` and ``settled_at`` are those of the last look (None: there was none).
    """
    known = need(expectation, seen)
    if settled_at is None:
        return known
    since = min(seen, settled_at)
    if (
        stance is not None
        and stance.state in (State.LATE, State.MISSED)
        and stance.verdict.deadline is not None
    ):
        # The first release that has not come: whatever comes for it, now or heard of late, is to be seen.
        since = min(since, stance.verdict.deadline)
    return known.union(need(expectation, since - expectation.grace.late + expectation.grace.warn))


def settle(
    expectation: Expectation,
    facts: Facts,
    settled_at: int | None,
    seen: int,
    *,
    news: bool = True,
    before: Stance | None = None,
) -> Settlement:
    """Settle the account of a dataset after a look at ``seen`` (µs UTC), with the facts that were ``needed``.

    The engine, for each look: reads the facts that ``needed`` names, looks, settles, writes the settlement
    (``storage.outcomes.write``) in the transaction that keeps the standing, keeps ``settled_at`` in it, and looks again
    at ``next_at`` or the verdict's ``next_look``, whichever comes first: a dataset that has been missed for days has
    deadlines that pass though its state does not change any more. ``news`` is False where no fact made it look (but a
    timer, or a change of the rules): then nothing of the past has changed. ``before`` is the stance of the last look:
    once something has come, the first of all is not among what is read any more.

    The account begins with the first look (``settled_at`` is None): of what was before, nobody had expected anything.
    A release is met for good once its data is there in time, so this is written before its deadline.
    """
    begin = seen if settled_at is None else settled_at
    known = seen if facts.complete_until is None else min(seen, facts.complete_until)
    new: list[Outcome] = []
    changed: list[Outcome] = []
    coming: list[int] = []
    first = before is None or before.verdict.reason.code in NOTHING_YET
    for outcome in _all(expectation, facts, begin, known, past=news, first=first):
        if not _sure(expectation, outcome, known):
            coming.append(outcome.deadline)
        elif outcome.deadline >= begin or _judged_as_it_comes(expectation):
            if news or settled_at is None or outcome.deadline <= known:
                new.append(outcome)
        elif news and settled_at is not None and outcome.arrived is not None:
            changed.append(outcome)
    # Before anything has come nothing is settled: the first data may be about a time before it.
    settled = begin if _awaits_the_first(expectation, facts) else max(begin, known + 1)
    return Settlement(new, changed, settled, min(coming, default=None))


def _awaits_the_first(expectation: Expectation, facts: Facts) -> bool:
    """Tell whether nothing has come by which releases are known."""
    if not facts.updates or not isinstance(expectation.condition, Due | MaxAge):
        return not (facts.updates or facts.checks or facts.schemas)
    if expectation.partition is None and not expectation.refuse_empty:
        return False
    return not placed(expectation, sift(expectation, arrivals(expectation, facts.updates))[0])


def _sure(expectation: Expectation, outcome: Outcome, known: int) -> bool:
    """Tell whether nothing that was received up to ``known``, and not looked at, can change an outcome."""
    return outcome.met or outcome.deadline <= known or _judged_as_it_comes(expectation)


def _judged_as_it_comes(expectation: Expectation) -> bool:
    """Tell whether what comes is judged, and not whether it comes."""
    condition = expectation.condition
    return isinstance(condition, Volume | SchemaUnchanged) or (
        isinstance(condition, Assertions) and condition.wait is None
    )


def _all(
    expectation: Expectation, facts: Facts, since: int, known: int, *, past: bool, first: bool
) -> list[Outcome]:
    """Give all outcomes that the facts tell, one for each release.

    Of what has not come those with ``since <= deadline <= known`` and the next one after that. Of what is judged as it
    comes only what was heard of ``since`` then. Unless ``past``, some with deadlines before ``since`` may be left out.
    ``first``: also whether anything has come at all, by ``expect_first_by``.
    """
    condition = expectation.condition
    new, _ = sift(expectation, arrivals(expectation, facts.updates))
    if isinstance(condition, SchemaUnchanged):
        found = _of_schemas(condition, facts, since)
    elif isinstance(condition, Volume):
        found = _of_rows(expectation, condition, new, since)
    elif isinstance(condition, Assertions):
        checks = [check for check in facts.checks if counts(condition, check)]
        if condition.wait is None:
            found = _of_checks(condition, checks, since)
        else:
            found = _of_awaited_checks(condition, condition.wait, checks, new, known)
    else:
        new = placed(expectation, new)
        if isinstance(condition, MaxAge):
            found = chain(_first(expectation, new) if first else (), _by_age(expectation, condition, new))
        else:
            met = _by_release(expectation, condition, new, since, known, past=past)
            found = chain(_first(expectation, new) if first else (), met)
    end = calendar_end(expectation)
    # Of two that are about the same time the later one counts.
    return list({each.release: each for each in found if end is None or each.deadline < end}.values())


def _first(expectation: Expectation, new: Sequence[Arrival]) -> Iterator[Outcome]:
    by = expectation.expect_first_by
    if by is not None:
        at = new[0].at if new else None
        yield Outcome(by, by, at, at is not None and at < by)


def _by_age(expectation: Expectation, condition: MaxAge, new: Sequence[Arrival]) -> Iterator[Outcome]:
    """Each update opens a release, which the next one meets."""
    for arrival, following in pairwise([*(each.at for each in new), None]):
        assert arrival is not None  # noqa: S101  # for the type checker
        release = after(expectation, arrival, condition.age)
        deadline = after(expectation, arrival, condition.age + expectation.grace.late)
        yield Outcome(release, deadline, following, following is not None and following < deadline)


def _by_release(
    expectation: Expectation, condition: Due, new: Sequence[Arrival], since: int, known: int, *, past: bool
) -> Iterator[Outcome]:
    """Each update meets the releases from the first that was not met on, as far as it reaches."""
    table, late = timetable(condition, expectation.timezone), expectation.grace.late
    places: list[tuple[Arrival, int | None, int | None]] = []
    for arrival in reversed(new):
        reach, following = around(expectation, condition, arrival)
        places.append((arrival, reach, following))
        if not past and reach is not None and reach + late < since:
            break  # those before it reach no further
    awaited: int | None = None
    for number, (arrival, reach, following) in enumerate(reversed(places)):
        if number and reach is not None:
            for release in _releases(table, awaited, reach):
                yield Outcome(release, release + late, arrival.at, arrival.at < release + late)
        awaited = following
    if awaited is not None:
        first = awaited if awaited >= since - late else table.after(since - late - 1)
        coming = table.after(max(awaited - 1, known - late))
        for release in _releases(table, first, coming):
            yield Outcome(release, release + late, None, False)


def _releases(table: Timetable, first: int | None, last: int | None) -> Iterator[int]:
    """Give the releases from one to another, both of them included; without a last, as far as they are known."""
    while first is not None and (last is None or first <= last):
        yield first
        first = table.after(first)


def _of_rows(
    expectation: Expectation, condition: Volume, new: Sequence[Arrival], since: int
) -> Iterator[Outcome]:
    for number, arrival in enumerate(new, 1):
        if arrival.update.rows is not None and arrival.update.received_at >= since:
            yield from _judged(judge_rows(condition, expectation.timezone, new[:number]), arrival.at)


def _of_schemas(condition: SchemaUnchanged, facts: Facts, since: int) -> Iterator[Outcome]:
    """Each change is a release; the first schema that is known changes nothing."""
    known = sorted(facts.schemas, key=lambda seen: (seen.at, repr(seen.facet)))
    for number, seen in enumerate(known[1:], 2):
        if seen.at >= since:
            yield from _judged(judge_schema(condition, known[:number]), seen.at)


def _of_checks(condition: Assertions, checks: Sequence[Check], since: int) -> Iterator[Outcome]:
    """Each run that checked something is a release, at its last check."""
    ended: dict[int, int] = {}
    for check in checks:
        ended[check.run_id] = max(check.event_time, ended.get(check.run_id, check.event_time))
    for at in sorted(set(ended.values())):
        if at >= since:
            there = [check for check in checks if check.event_time <= at]
            yield from _judged(judge_checks(condition, there, (), at, at), at)


def _of_awaited_checks(
    condition: Assertions, wait: int, checks: Sequence[Check], new: Sequence[Arrival], known: int
) -> Iterator[Outcome]:
    """Each update is a release; met if at its deadline all that was asked for was there, and had passed."""
    times = sorted({check.event_time for check in checks})
    for number, arrival in enumerate(new, 1):
        deadline = arrival.at + wait
        if deadline > known:
            yield Outcome(arrival.at, deadline, None, False)
            continue

        def at_time(moment: int, updates: Sequence[Arrival] = new[:number]) -> Verdict:
            there = [check for check in checks if check.event_time <= moment]
            return judge_checks(condition, there, updates, moment, moment)

        verdict = at_time(deadline)
        complete = (at for at in times if at > deadline and at_time(at).state is not State.LATE)
        at = next(complete, None) if verdict.state is State.LATE else verdict.reason.values["at"]
        assert at is None or isinstance(at, int)  # noqa: S101  # for the type checker
        yield Outcome(arrival.at, deadline, at, verdict.state is State.FRESH)


def _judged(verdict: Verdict, at: int) -> Iterator[Outcome]:
    if verdict.state in (State.FRESH, State.FAILED):
        yield Outcome(at, at, at, verdict.state is State.FRESH)
