"""Histories of a dataset, and what may be expected of it, as hypothesis makes them up."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from hypothesis import strategies as st

from lineage.runs import Update
from tests.events import HOUR, MINUTE, NOON
from triggers.calendars import Calendar
from triggers.model import (
    Anomaly,
    Condition,
    Due,
    Expectation,
    Grace,
    Grain,
    KeySource,
    MaxAge,
    Partition,
    Selector,
    Volume,
)

DAY = 24 * HOUR

GAPS = st.sampled_from((0, MINUTE, HOUR, 6 * HOUR, DAY, DAY, 9 * DAY))
DELAYS = st.sampled_from((-4 * MINUTE, 0, 0, 0, HOUR, 3 * DAY))
DAYS_BACK = st.sampled_from((-5, -1, 0, 1, 1, 2, 30))
VERSIONS = st.none() | st.sampled_from(("v1", "v2", "v3", "v4", "v5", "v6"))
ROWS = st.sampled_from((None, 0, 90, 100, 110, 5000))
SUBSETS = ("dt={:%Y-%m-%d}", "{:%Y%m%d}/hr={:%H}", "year={:%Y}/month={:%m}", "eu")


@st.composite
def updates(draw: st.DrawFn, names: tuple[int, ...], longest: int = 40) -> list[Update]:
    """Give updates of a dataset under its names (ids), the last about noon."""
    found: list[Update] = []
    at = NOON
    steady = draw(st.sampled_from((None, HOUR, DAY)))
    for run in range(draw(st.integers(0, longest))):
        at -= draw(GAPS) if steady is None or draw(st.integers(0, 5)) == 0 else steady
        back = draw(DAYS_BACK) if steady is None or draw(st.integers(0, 5)) == 0 else 1
        cut = datetime.fromtimestamp(at / 1_000_000, UTC) - timedelta(days=back)
        subset = draw(st.none() | st.sampled_from(SUBSETS))
        found.append(
            Update(
                draw(st.sampled_from(names)),
                at,
                run,
                at + draw(DELAYS),
                draw(st.sampled_from((None, at - back * DAY))),
                subset and subset.format(cut, cut),
                draw(VERSIONS),
                draw(ROWS),
                "run",
            )
        )
    return draw(st.permutations(found))


def partitions() -> st.SearchStrategy[Partition]:
    return st.builds(
        Partition,
        sources=st.sampled_from(
            ((KeySource.SUBSET, KeySource.NOMINAL), (KeySource.NOMINAL,), (KeySource.SUBSET,))
        ),
        grain=st.sampled_from(Grain),
        offset=st.integers(-2, 1),
        timezone=st.sampled_from((None, "America/New_York")),
    )


def conditions() -> st.SearchStrategy[Condition]:
    ages = st.builds(MaxAge, st.sampled_from((HOUR, DAY, 7 * DAY)))
    daily = st.builds(
        Due,
        at=st.sampled_from((time(7), time(23, 30))),
        calendar=st.sampled_from((None, Calendar("work"))),
        accept=st.sampled_from((None, 0, 20 * HOUR)),
    )
    hourly = st.builds(Due, cron=st.sampled_from(("*/30 * * * *", "15 * * * *", "0 6 * * mon")))
    anomalies = st.builds(
        Anomaly, history=st.integers(2, 4), min_history=st.integers(1, 2), by_weekday=st.booleans()
    )
    volumes = st.builds(Volume, min_rows=st.just(5), anomaly=st.none() | anomalies)
    return st.one_of(ages, daily, hourly, volumes)


def expectations() -> st.SearchStrategy[Expectation]:
    return st.builds(
        Expectation,
        id=st.just("orders"),
        selector=st.just(Selector(name="orders")),
        condition=conditions(),
        grace=st.sampled_from((Grace(), Grace(HOUR, 2 * HOUR), Grace(50 * HOUR, 50 * HOUR))),
        timezone=st.sampled_from(("UTC", "Europe/Berlin")),
        partition=st.none() | partitions(),
        refuse_empty=st.booleans(),
        expect_first_by=st.sampled_from((None, NOON - DAY)),
    )


def moments() -> st.SearchStrategy[int]:
    """Give an instant at which a dataset is looked at."""
    return st.sampled_from((0, MINUTE, HOUR, 5 * HOUR, DAY, 40 * DAY, -HOUR, -3 * DAY)).map(
        lambda later: NOON + later
    )
