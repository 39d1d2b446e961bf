"""How a dataset stands to an expectation: one function of what is known and of the time.

Whether data came in time is a matter of when it arrived, not of when anybody looked: a deadline that was met while
nobody was looking is no breach, and one that was not is told with its true lateness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from triggers import business_time
from triggers.calendars import Calendar
from triggers.deadlines import end_of, timetable
from triggers.errors import CalendarExpired
from triggers.facts import Arrival, Facts, arrivals, sift
from triggers.model import Assertions, BusinessTime, Due, Expectation, MaxAge, SchemaUnchanged, Volume
from triggers.partitions import reach_of, wanted_by
from triggers.quality import judge_checks, judge_rows, judge_schema
from triggers.verdict import Reason, State, Value, Verdict
from triggers.waiting import Awaited, Step, elapsed, judge


def evaluate(expectation: Expectation, facts: Facts, now: int) -> Verdict:
    """Judge a dataset by what is known of it at ``now`` (µs UTC).

    Between two looks nothing changes but ``late_by``, unless a fact comes in. Raises CalendarExpired from the end of
    the expectation's calendar on.
    """
    end = calendar_end(expectation)
    if end is not None and now >= end:
        raise CalendarExpired(
            f"the calendar of {expectation.id!r} has ended: what is due is not known any more"
        )
    seen = now if facts.complete_until is None else min(now, facts.complete_until)
    verdict = _judge(expectation, facts, now, seen)
    if end is not None and (verdict.next_look is None or verdict.next_look > end):
        return replace(verdict, next_look=end)
    return verdict


def after(expectation: Expectation, at: int, duration: int) -> int:
    """Give the instant that is so much later (µs): of time that counts where an age is counted in such, or elapsed."""
    condition = expectation.condition
    within = _endless(condition.within) if isinstance(condition, MaxAge) else None
    return at + duration if within is None else business_time.add(within, expectation.timezone, at, duration)


def lateness(expectation: Expectation, deadline: int, at: int) -> int:
    """Give by how much a deadline has passed at an instant, no earlier one: in µs elapsed, or of time that counts."""
    condition = expectation.condition
    within = _endless(condition.within) if isinstance(condition, MaxAge) else None
    if within is None:
        return elapsed(deadline, at)
    return business_time.between(within, expectation.timezone, deadline, at)


def _judge(expectation: Expectation, facts: Facts, now: int, seen: int) -> Verdict:
    condition = expectation.condition
    if isinstance(condition, SchemaUnchanged):
        return judge_schema(condition, facts.schemas)
    found = arrivals(expectation, facts.updates)
    new, old = sift(expectation, found)
    if isinstance(condition, Volume):
        return judge_rows(condition, expectation.timezone, new)
    if isinstance(condition, Assertions):
        return judge_checks(condition, facts.checks, new, now, seen)
    new = placed(expectation, new)
    if not new:
        ignored = tuple(reason for _, reason in old[-1:])
        return _never(expectation, Reason("nothing_new" if found else "never", because=ignored), now, seen)
    ignored = tuple(reason for arrival, reason in old[-1:] if arrival.at >= new[-1].at)
    if isinstance(condition, MaxAge):
        return judge(*_by_age(expectation, condition, new, ignored), now, seen)
    return judge(*_by_release(expectation, condition, new, ignored), now, seen)


def awaited_release(expectation: Expectation, facts: Facts) -> int | None:
    """Give the first release that is not met (µs UTC).

    None if nothing has come by which to tell, if no release is to follow, or if the expectation knows no releases.
    """
    if not isinstance(expectation.condition, Due):
        return None
    new = placed(expectation, sift(expectation, arrivals(expectation, facts.updates))[0])
    return _place(expectation, expectation.condition, new)[1] if new else None


def placed(expectation: Expectation, new: Sequence[Arrival]) -> list[Arrival]:
    """Give the arrivals of which it is known what time they are about, where that matters."""
    return [arrival for arrival in new if expectation.partition is None or arrival.key is not None]


def _never(expectation: Expectation, reason: Reason, now: int, seen: int) -> Verdict:
    verdict = Verdict(State.UNKNOWN, reason)
    by = expectation.expect_first_by
    if by is None:
        return verdict
    late = Step(by, State.LATE, Reason("never_by", {"by": by}, reason.because))
    return judge(verdict, Awaited(by, by, (late,)), now, seen)


def _by_age(
    expectation: Expectation, condition: MaxAge, new: Sequence[Arrival], ignored: tuple[Reason, ...]
) -> tuple[Verdict, Awaited]:
    add, late_at = partial(after, expectation), partial(lateness, expectation)
    last = new[-1].at
    warn, late = condition.age + expectation.grace.warn, condition.age + expectation.grace.late
    release, due, deadline = add(last, condition.age), add(last, warn), add(last, late)
    told: dict[str, Value] = {"last": last, "age": condition.age, "release": release, "deadline": deadline}
    met = Verdict(State.FRESH, Reason("updated", told, ignored), release, deadline, since=last)
    if len(new) > 1 and last >= (missed := add(new[-2].at, late)):
        by = late_at(missed, last)
        reason = Reason("updated_late", told | {"missed": missed, "late_by": by}, ignored)
        met = replace(met, state=State.RECOVERED, late_by=by, reason=reason)
    steps = (
        Step(due, State.DUE, Reason("aging", told, ignored)),
        Step(deadline, State.LATE, Reason("stale", told, ignored)),
    )
    return met, Awaited(release, deadline, steps, late_at)


def _by_release(
    expectation: Expectation, condition: Due, new: Sequence[Arrival], ignored: tuple[Reason, ...]
) -> tuple[Verdict, Awaited]:
    """Arrived releases come first and then those that have not: only the first of these matters."""
    table, grace, last = timetable(condition, expectation.timezone), expectation.grace, new[-1].at
    met_release, awaited, first = _place(expectation, condition, new)
    if met_release is None or first is new[0]:
        # Nothing came before, so nobody knows since when it was to be expected.
        met = Verdict(State.FRESH, Reason("first", {"at": first.at}, ignored), since=first.at)
    else:
        told = _told(expectation, condition, met_release)
        met = _met(told, met_release, met_release + grace.late, first.at, ignored)
    if awaited is None:
        return met, Awaited(0, 0, ())
    due, deadline, following = awaited + grace.warn, awaited + grace.late, table.after(awaited)
    told = _told(expectation, condition, awaited) | {"deadline": deadline, "last": last}
    steps = [
        Step(due, State.DUE, Reason("expected", told, ignored)),
        Step(deadline, State.LATE, Reason("overdue", told, ignored)),
    ]
    if following is not None:
        at = max(deadline, following + grace.warn)
        steps.append(Step(at, State.MISSED, Reason("missed", told | {"next": following}, ignored)))
    return met, Awaited(awaited, deadline, tuple(steps))


def _place(
    expectation: Expectation, condition: Due, new: Sequence[Arrival]
) -> tuple[int | None, int | None, Arrival]:
    """Give the last release that is met, the first that is not, and the arrival that met the former."""
    table, partition = timetable(condition, expectation.timezone), expectation.partition
    # Older partitions that came later have been sifted out, so the last is the newest.
    met_release, awaited = around(expectation, condition, new[-1])
    if met_release is None:
        return None, awaited, new[0]
    if partition is None:
        accepted = table.accepts_from(met_release)
        return met_release, awaited, next(arrival for arrival in new if arrival.at >= accepted)
    wanted = wanted_by(met_release, partition, condition.calendar, expectation.timezone)
    return met_release, awaited, next(each for each in new if each.key is not None and each.key >= wanted)


def around(expectation: Expectation, condition: Due, arrival: Arrival) -> tuple[int | None, int | None]:
    """Give the last release that is met by something new, one of ``placed``, and the first that is not."""
    table, partition = timetable(condition, expectation.timezone), expectation.partition
    if partition is None or arrival.key is None:
        return table.around(arrival.at)
    reach = reach_of(arrival.key, partition, condition.calendar, expectation.timezone)
    return table.before(reach), table.after(reach - 1)


def _met(
    told: dict[str, Value], release: int, deadline: int, at: int, ignored: tuple[Reason, ...]
) -> Verdict:
    told = told | {"deadline": deadline, "at": at}
    if at < deadline:
        return Verdict(State.FRESH, Reason("arrived", told, ignored), release, deadline, since=at)
    late_by = at - deadline
    reason = Reason("arrived_late", told | {"late_by": late_by}, ignored)
    return Verdict(State.RECOVERED, reason, release, deadline, late_by, at)


def _told(expectation: Expectation, condition: Due, release: int) -> dict[str, Value]:
    partition = expectation.partition
    if partition is None:
        return {"release": release}
    wanted = wanted_by(release, partition, condition.calendar, expectation.timezone)
    return {
        "release": release,
        "partition": wanted.isoformat(timespec="minutes"),
        "grain": partition.grain.value,
    }


def _endless(within: BusinessTime | None) -> BusinessTime | None:
    if within is None or within.calendar is None or within.calendar.valid_until is None:
        return within
    return replace(within, calendar=within.calendar.endless())


def calendar_end(expectation: Expectation) -> int | None:
    """Give the instant from which on nothing is known of an expectation (µs UTC); None if its calendar has no end."""
    condition = expectation.condition
    calendar: Calendar | None = None
    if isinstance(condition, Due):
        calendar = condition.calendar
    elif isinstance(condition, MaxAge) and condition.within is not None:
        calendar = condition.within.calendar
    return end_of(calendar, expectation.timezone)
