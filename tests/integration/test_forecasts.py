"""Early warnings on real tables: nights are played event by event, and what is foretold meanwhile is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select

from collector.engine.forecasts import Announced, Changes, Forecasts, open_warnings, write
from collector.ingest.projector import Projector
from collector.questions.forecast import forecast_of
from collector.storage import facts, forecasts
from collector.storage.engine import Database
from collector.storage.facts import What
from collector.storage.forecasts import Forecast
from collector.storage.tables import expectation_state, forecast
from tests.dump import feed
from tests.events import MINUTE, NAMESPACE, Json, ref, run_event
from tests.statements import counted
from triggers.alerts import Severity
from triggers.breaches import Described
from triggers.calendars import Calendar
from triggers.forecasting import Outlook
from triggers.model import Due, EarlyWarning, Expectation, Grace, Selector
from triggers.rules import RuleSet
from triggers.sentences import sentence

HOUR = 60 * MINUTE
MART = ref("mart").id
DESCRIBED = Described(NAMESPACE, "mart", "sales")

Steps = Mapping[str, tuple[tuple[str, ...], str | None, int]]

STEPS: Steps = {
    # job: what it follows, the local time at which it starts, minutes it takes
    "orders": ((), "02:00", 50),
    "clean": (("orders",), None, 60),
    "mart": (("clean",), None, 30),
}
"""The job ``mart`` ends some 20 minutes before the deadline, at 04:40."""


BY_0430 = Expectation(
    id="mart_by_0430",
    selector=Selector(NAMESPACE, "mart"),
    condition=Due(at=time(4, 30)),
    grace=Grace(late=10 * MINUTE),
    severity=Severity.CRITICAL,
    timezone="Europe/Berlin",
    warning=EarlyWarning(3 * HOUR),
)


class Warehouse:
    """Nights of jobs, written to the log and projected as time goes on."""

    def __init__(self, database: Database, rule: Expectation = BY_0430, steps: Steps = STEPS) -> None:
        self.database = database
        self.rule = rule
        self.rules = RuleSet({rule.id: rule})
        self.steps = steps
        self.zone = ZoneInfo(rule.timezone)
        self.forecasts = Forecasts()
        self.now = 0
        self.day = date(2026, 6, 1)
        self.numbers = count()
        self.projector = Projector(database, holder="test")
        with database.write() as conn:
            bound = {"expectation_id": rule.id, "dataset_id": MART, "state": "unknown", "changed_at": 0}
            conn.execute(insert(expectation_state).values(reason='{"code":"never","values":{}}', **bound))

    def clock(self, shown: str, day: date | None = None) -> int:
        """Give the instant at which clocks show a time on a day (None: today)."""
        moment = datetime.combine(day or self.day, time.fromisoformat(shown), self.zone)
        return round(moment.timestamp()) * 1_000_000

    def night(
        self, *, late: int = 0, slow: int = 0, steps: Iterable[str] | None = None
    ) -> list[tuple[int, Json]]:
        """Give the events of tonight by time: the first job so many minutes late, the last so much slower."""
        wanted = list(self.steps if steps is None else steps)
        jitter = self.day.toordinal() * 7 % 5 - 2
        ends: dict[str, int] = {}
        events: list[tuple[int, Json]] = []
        for number, job in enumerate(wanted):
            follows, clock, takes = self.steps[job]
            ready = [ends[each] + MINUTE for each in follows if each in ends]
            start = max([*ready, *([self.clock(clock)] if clock else [])])
            start += (late if not number else 0) * MINUTE
            ends[job] = start + (takes + jitter + (slow if job == wanted[-1] else 0)) * MINUTE
            events += self.run(job, start, ends[job])
        return sorted(events, key=lambda event: event[0])

    def run(self, job: str, start: int, end: int | None, state: str = "COMPLETE") -> list[tuple[int, Json]]:
        """Give the events of one run."""
        run = partial(
            run_event,
            job=job,
            run=f"{job} {next(self.numbers)}",
            inputs=[f"{each}_out" for each in self.steps[job][0]],
            outputs=["mart" if job == "mart" else f"{job}_out"],
        )
        events = [(start, run("START", start))]
        return events if end is None else [*events, (end, run(state, end))]

    def history(self, nights: int, made: Callable[[], list[tuple[int, Json]]] | None = None) -> None:
        """Play so many nights, without looking."""
        bodies: list[Json] = []
        for _ in range(nights):
            bodies += [body for _, body in (made or self.night)()]
            self.day += timedelta(days=1)
        self.now = self.clock("12:00", self.day - timedelta(days=1))
        self.send(bodies)
        self.step()

    def send(self, bodies: Iterable[Json]) -> None:
        feed(self.database, bodies, self.now)
        self.projector.drain()

    def step(self) -> Changes:
        """Do what the engine does in a round."""
        with self.database.read() as conn:
            told = facts.told(conn, 10_000)
            changes = self.forecasts.step(conn, self.rules, told.subjects, self.now)
        with self.database.write() as conn:
            write(conn, changes)
            facts.forget(conn, told.ids)
        return changes

    def play(self, events: Iterable[tuple[int, Json]], until: str) -> list[tuple[str, str]]:
        """Let time pass until the clock shows this; give the local times and sentences of warnings that are new."""
        told: list[tuple[str, str]] = []
        waiting = [event for event in events if event[0] > self.now]
        end = self.clock(until)
        while self.now < end:
            with self.database.read() as conn:
                wake = self.forecasts.next_wake(conn)
            times = [waiting[0][0]] if waiting else []
            times += [max(wake, self.now + 1)] if wake is not None else []
            self.now = min([*times, end])
            come = [body for at, body in waiting if at <= self.now]
            waiting = [event for event in waiting if event[0] > self.now]
            if come:
                self.send(come)
            self.step()
            for each in self.warnings():
                words = each.alert(DESCRIBED).text
                if not told or told[-1][1] != words:
                    told.append((f"{datetime.fromtimestamp(self.now / 1e6, self.zone):%H:%M}", words))
        return told

    def warnings(self) -> list[Announced]:
        with self.database.read() as conn:
            return open_warnings(conn, self.rules, self.now)

    def row(self) -> Forecast:
        with self.database.read() as conn:
            (found,) = forecasts.of_datasets(conn, [MART])
        return found

    def outlook(self) -> Outlook:
        found = self.row().outlook
        assert found is not None
        return found

    def says(self) -> str:
        with self.database.read() as conn:
            (found,) = forecast_of(conn, self.rules, MART, self.now)
        assert found.outlook is not None
        return sentence(found.outlook.reason, self.rule.timezone)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def warehouse(database: Database) -> Warehouse:
    """Give a warehouse after 30 nights, at noon."""
    made = Warehouse(database)
    made.history(30)
    return made


def test_a_night_like_any_other_is_told_of_by_nobody(warehouse: Warehouse) -> None:
    assert warehouse.row().next_at == warehouse.clock("01:40")
    assert warehouse.play(warehouse.night(), "12:00") == []
    row = warehouse.row()
    assert (row.release, row.outlook) == (warehouse.clock("04:30", warehouse.day + timedelta(days=1)), None)


def test_a_source_that_starts_40_minutes_late_is_named_before_the_deadline(warehouse: Warehouse) -> None:
    told = warehouse.play(warehouse.night(late=40), "04:39")
    assert told[0][0] < "02:40"
    assert ("02:40", "mart: It will probably miss 04:40 by about 25 min: orders started 40 min late.") in told
    (warning,) = warehouse.warnings()
    alert = warning.alert(DESCRIBED)
    assert (alert.rule, alert.severity, alert.owner) == ("mart_by_0430", Severity.WARNING, "sales")
    assert alert.labels == (("kind", "forecast"),)
    assert alert.starts == warehouse.outlook().told_since
    assert alert.starts < warehouse.clock("02:40")
    warehouse.play([], "04:41")
    assert warehouse.warnings() == []  # it is late now, which is another alert


def test_no_warning_stands_or_comes_once_the_data_is_there(warehouse: Warehouse) -> None:
    night = warehouse.night(late=40)
    warehouse.play(night, "03:00")
    assert len(warehouse.warnings()) == 1
    by_hand = warehouse.run("mart", warehouse.clock("03:01"), warehouse.clock("03:05"))
    warehouse.play(by_hand, "03:05")
    assert warehouse.warnings() == []
    assert warehouse.play(night, "04:39") == []


def test_a_warning_is_taken_back_when_the_data_is_expected_in_time_again(warehouse: Warehouse) -> None:
    night = warehouse.night(late=40)
    warehouse.play(night, "03:29")
    assert len(warehouse.warnings()) == 1
    # What was to take an hour takes five minutes.
    start = max(at for at, body in night if body["job"]["name"] == "orders") + MINUTE
    quick = [
        *warehouse.run("clean", start, start + 5 * MINUTE),
        *warehouse.run("mart", start + 6 * MINUTE, None),
    ]
    warehouse.play(quick, "03:55")
    assert warehouse.warnings() == []
    assert warehouse.says().startswith("It is expected at")


def test_a_job_that_failed_is_named_and_its_retry_counts(warehouse: Warehouse) -> None:
    failed = warehouse.run("orders", warehouse.clock("02:00"), warehouse.clock("02:45"), "FAIL")
    told = warehouse.play(failed, "03:40")
    at = f"{warehouse.day:%Y-%m-%d} 02:45"
    assert told[-1][1].endswith(f": orders failed at {at} and has not run again.")
    retry = warehouse.run("orders", warehouse.clock("03:41"), None)
    warehouse.play(retry, "03:45")
    (warning,) = warehouse.warnings()
    assert "orders started 1 h 40 min late" in warning.alert(DESCRIBED).text


def test_until_enough_nights_are_known_it_says_so_and_warns_of_nothing(database: Database) -> None:
    warehouse = Warehouse(database)
    warehouse.history(10)
    assert warehouse.play(warehouse.night(late=120), "04:39") == []
    assert (
        warehouse.says() == "Nobody can say yet when it will come: 10 runs of a job are known, of 19 needed."
    )
    outlook = warehouse.outlook()
    assert (outlook.missing, outlook.expected, outlook.reason.code) == (False, None, "too_little_known")


def test_a_job_that_never_ran_before_is_named_as_unknown(warehouse: Warehouse) -> None:
    ((at, body),) = warehouse.run("orders", warehouse.clock("01:00"), None)
    body["job"]["name"] = "brand new"
    assert warehouse.play([(at, body)], "03:00") == []
    assert warehouse.says() == ("Nobody can say yet when it will come: no earlier run of brand new is known.")


def test_nobody_foretells_what_no_job_brings(database: Database) -> None:
    warehouse = Warehouse(database)
    warehouse.history(1, lambda: warehouse.run("mart", warehouse.clock("04:00"), warehouse.clock("04:10")))
    warehouse.day += timedelta(days=1)
    warehouse.history(1, lambda: warehouse.run("mart", warehouse.clock("04:00"), warehouse.clock("04:10")))
    assert "Nobody can say" in warehouse.says()


@pytest.mark.parametrize(
    ("first", "hours"), [(date(2026, 2, 27), 23), (date(2026, 9, 25), 25)], ids=["forward", "back"]
)
def test_jobs_keep_to_the_clock_in_the_night_in_which_it_is_changed(
    database: Database, first: date, hours: int
) -> None:
    steps = {**STEPS, "orders": ((), "01:30", 50)}
    warehouse = Warehouse(database, replace(BY_0430, warning=EarlyWarning(6 * HOUR)), steps)
    warehouse.day = first
    warehouse.history(30)
    release = warehouse.clock("04:30")
    assert release - warehouse.clock("04:30", warehouse.day - timedelta(days=1)) == hours * HOUR
    warehouse.now = warehouse.clock("23:50", warehouse.day - timedelta(days=1))
    warehouse.step()
    expected = warehouse.outlook().expected
    assert expected is not None
    arrival = warehouse.night()[-1][0]
    assert abs(expected - arrival) < 8 * MINUTE


def test_a_day_of_the_week_on_which_it_is_slower_is_nothing_unusual(database: Database) -> None:
    warehouse = Warehouse(database)

    def night() -> list[tuple[int, Json]]:
        return warehouse.night(slow=60 if warehouse.day.weekday() == 0 else 0)

    warehouse.history(56, night)  # until a Sunday
    assert warehouse.day.weekday() == 0
    # As on all Mondays it will be an hour later than else, and that is too late; no job is to blame.
    told = warehouse.play([], "01:45")
    assert told[0][0] == "01:40"
    minutes = told[0][1].removeprefix("mart: It will probably miss 04:40 by about ").removesuffix(" min.")
    assert 20 <= int(minutes) <= 50
    warehouse.play(night(), "12:00")
    warehouse.day += timedelta(days=1)
    assert warehouse.play(night(), "12:00") == []


def test_a_weekend_without_releases_is_one_cycle_of_which_the_last_runs_count(database: Database) -> None:
    rule = replace(BY_0430, condition=Due(at=time(4, 30), calendar=Calendar("weekdays")))
    warehouse = Warehouse(database, rule)
    warehouse.history(47)  # until a Friday; its jobs run at weekends too
    while warehouse.day.weekday() != 0:
        warehouse.play(warehouse.night(), "12:00")
        warehouse.day += timedelta(days=1)
    assert warehouse.play(warehouse.night(), "12:00") == []
    warehouse.day += timedelta(days=7)
    assert warehouse.play(warehouse.night(late=40)[:1], "03:00") != []


def test_what_runs_once_a_week_or_all_the_time_is_waited_for_by_nobody(database: Database) -> None:
    steps: Steps = {
        **STEPS,
        "weekly": ((), "00:10", 30),
        "ticker": ((), "00:00", 1),
        "mart": (("clean", "weekly", "ticker"), None, 30),
    }
    warehouse = Warehouse(database, steps=steps)

    def night() -> list[tuple[int, Json]]:
        wanted = ["orders", "clean", "mart"]
        events = warehouse.night(steps=["weekly", *wanted] if warehouse.day.weekday() == 6 else wanted)
        for number in range(18):
            at = warehouse.clock("00:00") + number * 15 * MINUTE
            events += warehouse.run("ticker", at, at + MINUTE)
        return sorted(events, key=lambda event: event[0])

    warehouse.history(31, night)
    assert warehouse.play([event for event in night() if event[1]["job"]["name"] != "ticker"], "12:00") == []


def test_a_job_upstream_that_has_run_is_looked_at_again_at_once_but_not_all_the_time(
    warehouse: Warehouse,
) -> None:
    warehouse.play([], "02:00")
    made = warehouse.outlook().made_at
    warehouse.now = warehouse.clock("02:01")
    warehouse.send(body for _, body in warehouse.run("orders", warehouse.now, None))
    warehouse.step()
    assert warehouse.outlook().made_at == warehouse.now > made
    made = warehouse.now
    warehouse.now += MINUTE // 60
    warehouse.send(body for _, body in warehouse.run("orders", warehouse.now, None))
    warehouse.step()
    assert warehouse.outlook().made_at == made
    with warehouse.database.read() as conn:
        wake = warehouse.forecasts.next_wake(conn)
    assert wake == made + 10_000_000
    warehouse.now = wake
    warehouse.step()
    assert warehouse.outlook().made_at == wake


def test_rows_come_and_go_with_rules_and_what_they_are_on(warehouse: Warehouse) -> None:
    rule = warehouse.rule
    warehouse.rules = RuleSet({rule.id: replace(rule, grace=Grace(late=HOUR))})
    warehouse.step()
    assert warehouse.row().deadline == warehouse.clock("05:30")
    with warehouse.database.write() as conn:
        conn.execute(expectation_state.delete())
    warehouse.forecasts.bindings_changed()
    warehouse.step()
    with warehouse.database.read() as conn:
        assert conn.execute(select(forecast)).all() == []
        assert warehouse.forecasts.next_wake(conn) is None


def test_another_engine_takes_over_what_was_announced(warehouse: Warehouse) -> None:
    warehouse.play(warehouse.night(late=40), "03:00")
    (before,) = warehouse.warnings()
    warehouse.forecasts = Forecasts()
    warehouse.now += MINUTE
    warehouse.step()
    (after,) = warehouse.warnings()
    assert after.alert(DESCRIBED).starts == before.alert(DESCRIBED).starts
    assert after.alert(DESCRIBED).fingerprint == before.alert(DESCRIBED).fingerprint


def test_what_a_step_found_counts_before_it_is_written(warehouse: Warehouse) -> None:
    warehouse.play(warehouse.night(late=40), "02:30")
    warehouse.now = warehouse.clock("03:00")
    with warehouse.database.read() as conn:
        changes = warehouse.forecasts.step(conn, warehouse.rules, {}, warehouse.now)
        assert open_warnings(conn, warehouse.rules, warehouse.now) == []
        (warning,) = open_warnings(conn, warehouse.rules, warehouse.now, changes)
    assert warning.forecast in changes.rows


def test_a_look_takes_few_statements_and_a_step_with_nothing_to_do_one_or_two(warehouse: Warehouse) -> None:
    warehouse.play(warehouse.night(), "01:41")
    with counted(warehouse.database) as statements, warehouse.database.read() as conn:
        warehouse.forecasts.step(conn, warehouse.rules, {MART + 1: What.FACET, 5: What.RUN}, warehouse.now)
    assert len(statements) == 1
    with counted(warehouse.database) as statements, warehouse.database.read() as conn:
        forecast_of(conn, warehouse.rules, MART, warehouse.now)
    # Eight for the walk along three jobs, and their names.
    assert len(statements) <= 18
