"""What happened in the shop: when the day begins there, and what went wrong on which day.

All times hang on the moment of the first look, the anchor: the shop lies where it is a little after seven in the
morning then, so that whoever starts the demo, at whatever hour, comes when the data of the day are just due.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from collector.demo.model import MINUTE
from lineage.instants import EPOCH

GRID: Final = 5 * MINUTE
"""Schedules of the shop are written in such steps."""

MORNING: Final = 7

PLACES: Final = {
    -11: "Pacific/Pago_Pago", -10: "Pacific/Honolulu", -9: "Pacific/Gambier", -8: "Pacific/Pitcairn",
    -7: "America/Phoenix", -6: "America/Costa_Rica", -5: "America/Bogota", -4: "America/Puerto_Rico",
    -3: "America/Sao_Paulo", -2: "America/Noronha", -1: "Atlantic/Cape_Verde", 0: "Africa/Accra",
    1: "Africa/Lagos", 2: "Africa/Johannesburg", 3: "Africa/Nairobi", 4: "Asia/Dubai", 5: "Asia/Tashkent",
    6: "Asia/Dhaka", 7: "Asia/Bangkok", 8: "Asia/Singapore", 9: "Asia/Tokyo", 10: "Australia/Brisbane",
    11: "Pacific/Guadalcanal", 12: "Pacific/Tarawa",
}  # fmt: skip
"""By hours east of Greenwich, where the shop may lie. Clocks are not changed there, so each day is as long as the
others.
"""


class Failure(NamedTuple):
    """What a failed run says."""

    message: str
    trace: str = ""


UNKNOWN: Final = Failure("")


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that went wrong in runs of ``flow`` that start so many days before the anchor's day, in local time.

    ``hours`` are those of the day on which the runs start; ``on`` says the same of all days from then on.
    """

    flow: str
    days_ago: int
    hours: tuple[int, int] = (0, 24)
    lasting: bool = False
    skipped: bool = False
    delay: int = 0
    """Minutes by which the run starts later."""
    fails: str | None = None
    """The step that fails."""
    retried: bool = False
    """Whether the second try succeeds."""
    failure: Failure = UNKNOWN
    slow: float = 1.0
    rows: float = 1.0
    checks: frozenset[str] = frozenset()
    """Assertions that fail, as ``model.assertion``."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one run: all incidents that it has part in, together."""

    skipped: bool = False
    delay: int = 0
    fails: str | None = None
    retried: bool = False
    failure: Failure = UNKNOWN
    slow: float = 1.0
    rows: float = 1.0
    checks: frozenset[str] = frozenset()


GOOD: Final = Fate()

BAD_ROW: Final = Failure(
    'invalid input syntax for type numeric: "1.249,00"\n'
    'CONTEXT:  COPY payments, line 8842, column amount: "1.249,00"\n',
    "Traceback (most recent call last):\n"
    '  File "/usr/lib/python3.12/site-packages/airflow/sdk/execution_time/task_runner.py", line 1579, in '
    "_run_task_and_map_outcome\n"
    "    result = _execute_task(context=context, ti=ti, log=log)\n"
    "             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
    '  File "/usr/lib/python3.12/site-packages/airflow/sdk/bases/operator.py", line 462, in wrapper\n'
    "    return func(self, *args, **kwargs)\n"
    "           ^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
    '  File "/usr/lib/python3.12/site-packages/airflow/providers/common/sql/operators/sql.py", line 312, in execute\n'
    "    output = hook.run(\n"
    "             ^^^^^^^^^\n"
    '  File "/usr/lib/python3.12/site-packages/airflow/providers/common/sql/hooks/sql.py", line 849, in _run_command\n'
    "    cur.execute(sql_statement)\n"
    '  File "/usr/lib/python3.12/site-packages/psycopg2/extras.py", line 236, in execute\n'
    "    return super().execute(query, vars)\n"
    "           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
    'psycopg2.errors.InvalidTextRepresentation: invalid input syntax for type numeric: "1.249,00"\n'
    'CONTEXT:  COPY payments, line 8842, column amount: "1.249,00"\n',
)

LOCKED: Final = Failure(
    "canceling statement due to lock timeout\n",
    "Traceback (most recent call last):\n"
    '  File "/usr/lib/python3.12/site-packages/airflow/providers/common/sql/hooks/sql.py", line 849, in _run_command\n'
    "    cur.execute(sql_statement)\n"
    "psycopg2.errors.LockNotAvailable: canceling statement due to lock timeout\n",
)

LOST_EXECUTOR: Final = Failure(
    "Job aborted due to stage failure: Task 117 in stage 4.0 failed 4 times, most recent failure: Lost task 117.3 "
    "in stage 4.0 (TID 1893) (10.2.14.7 executor 6): ExecutorLostFailure (executor 6 exited caused by one of the "
    "running tasks) Reason: Container killed by YARN for exceeding physical memory limits. 9.1 GB of 9 GB physical "
    "memory used.",
)

INCIDENTS: Final = (
    Incident("payments", 0, lasting=True, fails="load_files", failure=BAD_ROW),
    Incident("supplier-feed", 0, lasting=True, skipped=True),
    Incident("warehouse", 4, (0, 13), checks=frozenset({"stg_orders.unique"})),
    Incident("payments", 6, delay=85),
    Incident("ingest", 5, (4, 6), fails="orders_hourly", retried=True, failure=LOCKED),
    Incident(
        "clickstream_sessions",
        12,
        (0, 6),
        fails="overwrite_partitions_dynamic.lake_sessions",
        failure=LOST_EXECUTOR,
    ),
    Incident("supplier-feed", 8, skipped=True),
    Incident("shop_pg", 2, (14, 16), rows=0.12),
    Incident("payments", 19, delay=50),
    Incident("inventory", 7, slow=20.0),
)


@dataclass(frozen=True)
class Story:
    """``anchor`` is the moment of the first look (µs UTC); the same anchor and seed tell the same story."""

    anchor: int
    seed: int = 1
    incidents: tuple[Incident, ...] = field(default=INCIDENTS)

    @cached_property
    def look(self) -> int:
        """The anchor by the shop's schedule (µs UTC): at most five minutes before it."""
        return self.anchor - self.anchor % GRID

    @cached_property
    def zone(self) -> ZoneInfo:
        """Where the shop lies."""
        hour = self.look // (60 * MINUTE) % 24
        east = (MORNING - hour + 11) % 24 - 11
        return ZoneInfo(PLACES[east])

    def local(self, at: int) -> datetime:
        """Give the time in the shop (of µs UTC)."""
        return (EPOCH + timedelta(microseconds=at)).astimezone(self.zone)

    def clock(self, minutes: int) -> str:
        """Give the time of day in the shop that is so many minutes before the look: ``07:15``."""
        return self.local(self.look - minutes * MINUTE).strftime("%H:%M")

    def fate(self, flow: str, at: int) -> Fate:
        """Tell what becomes of a run of ``flow`` that is to start ``at`` (µs UTC)."""
        concerned = [each for each in self.incidents if each.flow == flow and self._has_part(each, at)]
        return _together(concerned) if concerned else GOOD

    def days_before(self, at: int) -> int:
        """Give the number of days in the shop from an instant to the look."""
        return (self._today - self.local(at).date()).days

    @cached_property
    def _today(self) -> date:
        return self.local(self.look).date()

    def _has_part(self, incident: Incident, at: int) -> bool:
        days = self.days_before(at)
        if days != incident.days_ago and not (incident.lasting and days < incident.days_ago):
            return False
        return incident.hours[0] <= self.local(at).hour < incident.hours[1]


def _together(found: Iterable[Incident]) -> Fate:
    fate = GOOD
    for each in found:
        fate = Fate(
            fate.skipped or each.skipped,
            fate.delay + each.delay * MINUTE,
            each.fails or fate.fails,
            each.retried if each.fails else fate.retried,
            each.failure if each.fails else fate.failure,
            fate.slow * each.slow,
            fate.rows * each.rows,
            fate.checks | each.checks,
        )
    return fate
