"""When planned work is, by the clock on the wall, and what falls into it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lineage.instants import parse_instant
from tests.unit.triggers.wrong import late
from triggers.alerts import Matcher
from triggers.errors import RuleError
from triggers.maintenance import Maintenance, excluded
from triggers.model import Window as Hours
from triggers.notation import EVERY_DAY, windows

BERLIN = "Europe/Berlin"


def at(text: str) -> int:
    return parse_instant(text)[0]


def weekly(*times: str, days: frozenset[int] = EVERY_DAY, **other: object) -> Maintenance:
    given: dict[str, object] = {"id": "w", "author": "anna", "reason": "backup", "timezone": BERLIN} | other
    return Maintenance(weekly=windows(days, times), **given)  # type: ignore[arg-type]  # as the test gives them


def open_(window: Maintenance, since: str, until: str) -> list[tuple[int, int]]:
    return [(each.starts, each.ends) for each in window.windows(at(since), at(until))]


def span(start: str, end: str) -> tuple[int, int]:
    return at(start), at(end)


ONCE = Maintenance(
    id="once", author="anna", reason="upgrade", once=span("2026-12-05T21:00Z", "2026-12-06T03:00Z")
)


def test_work_that_is_done_once() -> None:
    assert open_(ONCE, "2026-12-01", "2026-12-31") == [ONCE.once]
    assert open_(ONCE, "2026-12-06", "2026-12-31") == [span("2026-12-06T00:00Z", "2026-12-06T03:00Z")]
    assert open_(ONCE, "2026-12-06T03:00Z", "2026-12-31") == []
    assert open_(replace(ONCE, expires=at("2026-12-05T22:00Z")), "2026-12-01", "2026-12-31") == [
        span("2026-12-05T21:00Z", "2026-12-05T22:00Z")
    ]
    (window,) = ONCE.windows(at("2026-12-01"), at("2026-12-31"))
    assert (window.id, window.author, window.reason) == ("once", "anna", "upgrade")


def test_work_of_every_week_ends_before_its_last_minute() -> None:
    sunday = weekly("23:00-24:00", days=frozenset({6}))
    assert open_(sunday, "2026-11-16", "2026-11-30") == [
        span("2026-11-22T22:00Z", "2026-11-22T23:00Z"),
        span("2026-11-29T22:00Z", "2026-11-29T23:00Z"),
    ]
    alert = late("a")
    covered = [sunday.covers(alert, at(f"2026-11-22T2{text}Z")) for text in ("1:59", "2:00", "2:59", "3:00")]
    assert covered == [False, True, True, False]


def test_work_through_the_night_is_one_window() -> None:
    night = weekly("22:00-04:00", days=frozenset({5}))
    assert open_(night, "2026-11-16", "2026-11-30") == [
        span("2026-11-21T21:00Z", "2026-11-22T03:00Z"),
        span("2026-11-28T21:00Z", "2026-11-29T03:00Z"),
    ]
    # Asked on the day after, it is still open.
    assert open_(night, "2026-11-22T01:00Z", "2026-11-22T02:00Z") == [
        span("2026-11-22T01:00Z", "2026-11-22T02:00Z")
    ]
    assert open_(weekly("00:00-24:00"), "2026-11-16", "2026-11-19") == [span("2026-11-16", "2026-11-19")]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-03-28", span("2026-03-28T00:30Z", "2026-03-28T02:30Z")),
        ("2026-03-29", span("2026-03-29T00:30Z", "2026-03-29T01:30Z")),  # 02:00 to 03:00 is left out
        ("2026-10-25", span("2026-10-24T23:30Z", "2026-10-25T02:30Z")),  # and comes twice
    ],
)
def test_hours_are_by_the_clock_on_the_wall(day: str, expected: tuple[int, int]) -> None:
    assert open_(weekly("01:30-03:30"), f"{day}T00:00+01:00", f"{day}T12:00Z")[-1] == expected


def test_weekly_work_may_end_for_good() -> None:
    until = weekly("10:00-11:00", expires=at("2026-11-17T09:30Z"))
    assert open_(until, "2026-11-16", "2026-11-30") == [
        span("2026-11-16T09:00Z", "2026-11-16T10:00Z"),
        span("2026-11-17T09:00Z", "2026-11-17T09:30Z"),
    ]


def test_deadlines_in_a_window_are_out_of_the_account() -> None:
    a, b = (replace(ONCE, id=id_, matchers=(Matcher("name", id_),)) for id_ in "ab")
    inside, after = at("2026-12-06T01:00Z"), at("2026-12-06T03:00Z")
    assert excluded([a, b], late("b"), inside) == "b"
    assert excluded([a, b], late("c"), inside) is None
    assert excluded([a, b], late("b"), after) is None
    assert excluded([replace(ONCE, excludes=False)], late("b"), inside) is None
    assert excluded([replace(ONCE, id="z"), ONCE], late("b"), inside) == "once"


def test_a_window_is_open_once_or_every_week() -> None:
    with pytest.raises(RuleError, match="once or every week"):
        replace(ONCE, once=None)
    with pytest.raises(RuleError, match="once or every week"):
        replace(ONCE, weekly=(Hours(EVERY_DAY),))
    with pytest.raises(RuleError, match="ends after it starts"):
        replace(ONCE, once=(2, 2))
