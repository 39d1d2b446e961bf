"""Rules, and histories of updates to judge by them."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from hypothesis import strategies as st

from lineage.instants import parse_instant
from lineage.runs import Update
from triggers.calendars import Calendar, DateRange, Holidays
from triggers.model import BusinessTime, Due, Expectation, Grace, MaxAge, Partition, Selector, Window

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
BERLIN = "Europe/Berlin"
GRACE = Grace(late=20 * MINUTE)
DE = Calendar(
    "de",
    holidays=(Holidays("DE", "BE"),),
    non_working=(DateRange(date(2026, 12, 24), date(2026, 12, 31)),),
    valid_until=date(2027, 12, 31),
)
SEVEN = Due(at=time(7))
ON_WORKING_DAYS = Due(at=time(7), calendar=DE)


def at(text: str) -> int:
    """Read ``22.11. 07:00`` as a time of 2026 in UTC, or anything with an offset as it is."""
    if "T" in text:
        return parse_instant(text)[0]
    return parse_instant(f"2026-{text[3:5]}-{text[:2]}T{text[7:]}Z")[0]


def rule(condition: Any, **more: Any) -> Expectation:
    return Expectation(id="r", selector=Selector(name="t"), condition=condition, **{"grace": GRACE} | more)


def update(ended: str, *, heard: str | None = None, nominal: str | None = None, **more: Any) -> Update:
    run_id = more.pop("run_id", at(ended) // MINUTE)
    fields = {"partition": None, "version": None, "rows": None, "kind": "run"} | more
    nominal_at = at(nominal) if nominal else None
    return Update(1, at(ended), run_id, at(heard or ended), nominal_at, **fields)


START = at("2026-10-20T00:00:00Z")
END = START + 12 * DAY  # with the night in which clocks are put back

RULES = st.builds(
    rule,
    st.sampled_from(
        [
            SEVEN,
            ON_WORKING_DAYS,
            Due(cron="30 2 * * *", accept=3 * HOUR),
            Due(cron="15 */6 * * *"),
            MaxAge(20 * HOUR),
            MaxAge(6 * HOUR, BusinessTime((Window(frozenset(range(5)), 7 * 60, 20 * 60),), DE)),
        ]
    ),
    grace=st.sampled_from([Grace(), GRACE, Grace(HOUR, 2 * HOUR), Grace(0, 30 * HOUR)]),
    partition=st.sampled_from([None, None, Partition(offset=-1), Partition()]),
    timezone=st.sampled_from([BERLIN, "UTC"]),
    refuse_empty=st.booleans(),
    expect_first_by=st.sampled_from([None, START + 2 * DAY]),
)


@st.composite
def logs(draw: st.DrawFn) -> list[Update]:
    made = []
    for number in range(draw(st.integers(0, 8))):
        ended = draw(st.integers(START // HOUR, END // HOUR)) * HOUR
        nominal = draw(
            st.sampled_from([None, ended - ended % DAY, ended - ended % DAY - DAY, START - 30 * DAY])
        )
        version = draw(st.sampled_from([None, None, "1", "2"]))
        rows = draw(st.sampled_from([None, 0, 10]))
        heard = ended + draw(st.sampled_from([-3 * MINUTE, 0, 5 * HOUR]))
        made.append(Update(1, ended, number, heard, nominal, None, version, rows, "run"))
    return made
