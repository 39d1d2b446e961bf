"""What is expected of datasets: the content of rule files, after reading. Instants and durations in µs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum

from cronsim import CronSim, CronSimError

from triggers.alerts import Severity
from triggers.calendars import MOST_IN_MONTH, Calendar
from triggers.errors import RuleError
from triggers.zones import zone

DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Selector:
    """Which datasets are meant: those for which everything holds that is given here.

    ``name`` is a whole name, ``pattern`` one with ``*`` and ``?``. ``downstream_of`` and ``needed_by`` are ids of nodes
    in the graph (``dataset:NAMESPACE:NAME``, ``job:NAMESPACE:NAME``): what hangs on the node, and what it hangs on.
    """

    namespace: str | None = None
    name: str | None = None
    pattern: str | None = None
    tag: str | None = None
    owner: str | None = None
    downstream_of: str | None = None
    needed_by: str | None = None

    def __post_init__(self) -> None:
        given = (
            self.namespace,
            self.name,
            self.pattern,
            self.tag,
            self.owner,
            self.downstream_of,
            self.needed_by,
        )
        if not any(given):
            raise RuleError("a selector that names nothing would mean every dataset")
        if self.name is not None and self.pattern is not None:
            raise RuleError("a selector has a name or a pattern, not both")


@dataclass(frozen=True, slots=True)
class Window:
    """A part of some days of the week, in minutes since midnight by the clock on the wall: ``start <= t < end``."""

    days: frozenset[int]  # as date.weekday(): Monday is 0
    start: int = 0
    end: int = DAY_MINUTES

    def __post_init__(self) -> None:
        if not self.days or not self.days <= frozenset(range(7)):
            raise RuleError("a window is open on some of the days 0 (Monday) to 6")
        if not 0 <= self.start < self.end <= DAY_MINUTES:
            raise RuleError("a window ends after it starts, between 00:00 and 24:00")


@dataclass(frozen=True, slots=True)
class BusinessTime:
    """Time that counts: inside the windows (none: the whole day), on working days of the calendar (none: every day)."""

    windows: tuple[Window, ...] = ()
    calendar: Calendar | None = None


@dataclass(frozen=True, slots=True)
class MaxAge:
    """New data comes at the latest this long after the last."""

    age: int
    within: BusinessTime | None = None  # None: elapsed time

    def __post_init__(self) -> None:
        if self.age <= 0:
            raise RuleError("an age must be more than nothing")


class Roll(StrEnum):
    """What becomes of a release on a day off."""

    NONE = "none"  # it stays
    SKIP = "skip"  # there is none
    FOLLOWING = "following"  # it moves to the next working day
    PRECEDING = "preceding"  # it moves to the working day before


@dataclass(frozen=True, slots=True)
class Due:
    """New data is there at certain times, its releases: by cron, or at a time ``at`` of every day or of one of a month.

    Cron has five fields and Debian's rules. ``business_day`` counts the working days of a month: 1 the first, -1 the
    last; a month that has fewer has no release. ``accept`` is how long before its release data counts for it, at most
    back to the release before; None: half of the time since then.
    """

    at: time | None = None
    cron: str | None = None
    business_day: int | None = None
    calendar: Calendar | None = None
    on_non_business_day: Roll = Roll.SKIP
    accept: int | None = None

    def __post_init__(self) -> None:
        if (self.at is None) == (self.cron is None):
            raise RuleError("due at a time of day or by cron")
        if self.at is not None and (self.at.second or self.at.microsecond or self.at.tzinfo):
            raise RuleError("a time of day is in whole minutes, and in the time zone of its expectation")
        if self.cron is not None:
            _check_cron(self.cron)
        if self.business_day is not None:
            if self.at is None or self.calendar is None:
                raise RuleError("a working day of the month needs a time of day and a calendar")
            if self.on_non_business_day is not Roll.SKIP:
                raise RuleError("a working day of the month is never a day off")
            if not 1 <= abs(self.business_day) <= MOST_IN_MONTH:
                raise RuleError(f"a month has at most {MOST_IN_MONTH} working days: {self.business_day}")
        if self.accept is not None and self.accept < 0:
            raise RuleError("data cannot be accepted only after its release")


def _check_cron(expression: str) -> None:
    if len(expression.split()) != 5:
        raise RuleError(f"cron has five fields: {expression!r}")
    try:
        CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise RuleError(f"{error} in cron {expression!r}") from error


class Direction(StrEnum):
    """Which deviations of a number are anomalies."""

    BOTH = "both"
    DROP = "drop"
    SPIKE = "spike"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """How many rows are unusual: ``sensitivity`` robust standard deviations from the median of ``history`` updates.

    ``by_weekday`` compares Mondays with Mondays. Before there are ``min_history`` updates to compare with, nothing is
    unusual yet.
    """

    sensitivity: float = 4.0
    history: int = 8
    min_history: int = 4
    by_weekday: bool = True
    direction: Direction = Direction.BOTH

    def __post_init__(self) -> None:
        if not 1 <= self.min_history <= self.history:
            raise RuleError("history must hold min_history, and that at least one")
        if self.sensitivity <= 0:
            raise RuleError("sensitivity must be more than nothing")


@dataclass(frozen=True, slots=True)
class Volume:
    """An update brings enough rows, and as many as usual."""

    min_rows: int | None = None
    anomaly: Anomaly | None = None

    def __post_init__(self) -> None:
        if self.min_rows is None and self.anomaly is None:
            raise RuleError("a volume needs a number of rows, or an idea of what is unusual")


@dataclass(frozen=True, slots=True)
class Assertions:
    """The newest result of each check is a success.

    ``names`` are the keys of the checks that count (none: all), ``warnings`` whether those do that only warn.
    With ``wait`` the checks must be of the newest update and be there that long after it, ``min_count`` of them.
    """

    names: frozenset[str] = frozenset()
    warnings: bool = False
    min_count: int = 1
    wait: int | None = None


@dataclass(frozen=True, slots=True)
class SchemaUnchanged:
    """The schema is the one that was in force at ``since`` (None: the first one known).

    ``compatible`` allows new columns; columns that went, or have another type, are never allowed.
    """

    since: int | None = None
    compatible: bool = False


Condition = MaxAge | Due | Volume | Assertions | SchemaUnchanged


@dataclass(frozen=True, slots=True)
class Grace:
    """How long (elapsed, or in business time for an age that is) after its time an update is due, and then late."""

    warn: int = 0
    late: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.warn <= self.late:
            raise RuleError("grace: what is late has been due before")


class Grain(StrEnum):
    """How long the time is that one partition holds."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class KeySource(StrEnum):
    """Where it stands which partition an update wrote."""

    SUBSET = "output_subset"
    NOMINAL = "nominal_time"


@dataclass(frozen=True, slots=True)
class Partition:
    """A release is met by its partition, or a later one: that of its own grain of time, moved by ``offset`` grains.

    ``sources`` are asked in order. ``timezone`` is the one in which nominal times are cut (None: the expectation's).
    ``in_working_days`` counts the offset so: on Monday, with -1, Friday's partition is due.
    """

    sources: tuple[KeySource, ...] = (KeySource.SUBSET, KeySource.NOMINAL)
    grain: Grain = Grain.DAY
    offset: int = 0
    timezone: str | None = None
    in_working_days: bool = False

    def __post_init__(self) -> None:
        if self.timezone is not None:
            zone(self.timezone)
        if self.in_working_days and (self.grain is not Grain.DAY or self.offset > 0):
            raise RuleError("only days, and only those before a release, are counted in working days")


@dataclass(frozen=True, slots=True)
class EarlyWarning:
    """Tell before a deadline that it will be missed: from ``before`` it on, where so much of what may be is too late.

    ``quantile`` is the share of what may be by which it is judged: with 0.2, data that in four of five scenarios comes
    too late is announced.
    """

    before: int
    quantile: float = 0.2

    def __post_init__(self) -> None:
        if self.before <= 0:
            raise RuleError("a warning comes before the deadline")
        if not 0 < self.quantile < 1:
            raise RuleError("a quantile lies between 0 and 1")


@dataclass(frozen=True, slots=True)
class Objective:
    """The share of deadlines to be met in any ``period``; what is left of it is the error budget."""

    share: float
    period: int

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise RuleError("a share lies between 0 and 1")
        if self.period <= 0:
            raise RuleError("a period must be more than nothing")


class CatchUp(StrEnum):
    """Which of the releases whose deadlines passed while nobody was looking are told of."""

    LAST = "last"  # the dataset as it stands: what is late now, once
    ALL = "all"  # each release that is late, as an alert of its own
    NONE = "none"  # none of them: alerts begin with the next release


@dataclass(frozen=True, slots=True)
class Missed:
    """What to do about deadlines that passed while nobody was looking, at most ``window`` ago (others: nothing)."""

    policy: CatchUp = CatchUp.LAST
    window: int | None = None  # None: however long ago


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One condition on each of some datasets.

    ``refuse_empty``: an update without rows brings no new data. A dataset that was never updated is unknown, and not
    late, unless ``expect_first_by`` (an instant) has passed.
    """

    id: str
    selector: Selector
    condition: Condition
    grace: Grace = Grace()
    severity: Severity = Severity.WARNING
    timezone: str = "UTC"
    partition: Partition | None = None
    refuse_empty: bool = False
    expect_first_by: int | None = None
    warning: EarlyWarning | None = None
    objective: Objective | None = None
    missed: Missed = Missed()

    def __post_init__(self) -> None:
        zone(self.timezone)
        calendar = self.condition.calendar if isinstance(self.condition, Due) else None
        if self.partition is not None and self.partition.in_working_days and calendar is None:
            raise RuleError(
                "working days are those of the calendar by which data is due", "partition", "in_working_days"
            )
        if self.warning is not None and not isinstance(self.condition, Due):
            raise RuleError("only what is due at certain times can be foretold", "predict")
