"""Expectations as rule files write them. What the values mean, ``triggers.documents`` says."""

from __future__ import annotations

from marshmallow import fields, validate

from collector.api.fields import Text
from collector.api.rule_fields import (
    SHORT,
    OneOrMany,
    Part,
    Various,
    clock_time,
    hours,
    id_field,
    lasting,
    moment,
    text,
    weekdays,
)
from collector.api.shapes import said
from triggers.alerts import Severity
from triggers.calendars import MOST_IN_MONTH
from triggers.model import CatchUp, Direction, Grain, KeySource, Roll

MOST_HISTORY = 1000
"""Updates that an anomaly is judged by; each is read at every look."""

LARGEST = 2**63 - 1


class Selector(Part):
    """Which datasets are meant: those for which everything holds that is given here."""

    error_messages = {"type": "Must be keys and values, as {namespace: NAMESPACE, name: NAME}."}  # noqa: RUF012

    namespace = text("in full")
    name = text("in full, or a pattern with `*` and `?`")
    tag = text("of the dataset")
    owner = text("of the dataset, by its ownership facet")
    downstream_of = text("what hangs on this node", examples=["dataset:NAMESPACE:NAME"])
    needed_by = text("what this node hangs on", examples=["job:NAMESPACE:NAME"])


class Within(Part):
    """Time that counts."""

    weekdays = weekdays()
    times = hours()
    calendar = text("only its working days count")


class MaxAge(Part):
    """How old data may get."""

    warn = lasting("due from this age on; if left out, it is late at once")
    late = lasting("late from this age on", required=True)
    within = fields.Nested(Within, metadata=said("ages are counted in this time only"))


class Due(Part):
    """When data are there, by the clock of the expectation's time zone."""

    error_messages = {"type": "Must be keys and values, as {at: 07:00}."}  # noqa: RUF012

    at = clock_time("every day, or the working day of each month that is named")
    cron = text("five fields, as Debian's cron reads them", examples=["0 7 * * mon-fri"])
    monthly_business_day = fields.Integer(
        strict=True,
        validate=validate.Range(-MOST_IN_MONTH, MOST_IN_MONTH),
        metadata=said("the working day of the month: 1 the first, -1 the last; needs a calendar"),
    )
    calendar = text("which days are off")
    on_non_business_day = Text(
        validate=validate.OneOf([each.value for each in Roll]),
        metadata=said("what becomes of a release on a day off", default="skip"),
    )
    accept_from = lasting(
        "how long before its release data count for it; if left out, from half of the time since the one before"
    )


class Anomaly(Part):
    """Numbers of rows that are unusual, by median and median absolute deviation."""

    method = Text(validate=validate.OneOf(["mad"]))
    seasonality = Text(
        validate=validate.OneOf(["day_of_week", "none"]),
        metadata=said("`day_of_week` compares Mondays with Mondays", default="day_of_week"),
    )
    history = fields.Integer(
        strict=True,
        validate=validate.Range(1, MOST_HISTORY),
        metadata=said("updates that are compared with", default=8),
    )
    min_history = fields.Integer(
        strict=True,
        validate=validate.Range(1, MOST_HISTORY),
        metadata=said("with fewer nothing is unusual yet", default=4),
    )
    sensitivity = fields.Float(
        validate=validate.Range(0, min_inclusive=False),
        metadata=said("robust standard deviations from the median", default=4.0),
    )
    direction = Text(
        validate=validate.OneOf([each.value for each in Direction]), metadata=said("", default="both")
    )


class Metric(Part):
    """How many rows an update brings."""

    field = Text(validate=validate.OneOf(["outputStatistics.rowCount"]))
    min = fields.Integer(
        strict=True, validate=validate.Range(0, LARGEST), metadata=said("fewer rows are too few")
    )
    anomaly = fields.Nested(Anomaly, metadata=said("as many as usual"))


class AssertionsRule(Part):
    """The newest result of each check is a success."""

    names = OneOrMany(metadata=said("keys of the checks that count; all"))
    warnings = fields.Boolean(metadata=said("whether those count that only warn", default=False))
    min_count = fields.Integer(
        strict=True,
        validate=validate.Range(1, 10_000),
        metadata=said("results that there must be", default=1),
    )
    wait = lasting("the results must be of the newest update, and be there this long after it")


class SchemaUnchanged(Part):
    """The schema is still the one that it was."""

    since = moment("which one; if left out, the first one known")
    compatible = fields.Boolean(metadata=said("new columns are allowed", default=False))


class PartitionRule(Part):
    """Which partition a release needs."""

    from_ = OneOrMany(
        lambda: Text(validate=validate.OneOf([each.value for each in KeySource])),
        data_key="from",
        attribute="from",
        metadata=said("where it stands which partition an update wrote; the first that says so"),
    )
    grain = Text(
        validate=validate.OneOf([each.value for each in Grain]),
        metadata=said("how long the time is that one partition holds", default="day"),
    )
    offset = Various(
        {
            int: fields.Integer(strict=True, validate=validate.Range(-10_000, 10_000)),
            str: Text(validate=SHORT),
        },
        metadata=said(
            "partitions from that of the release's own time; -1 or `-1d`: the day before", default=0
        ),
    )
    timezone = text("in which nominal times are cut; if left out, that of the expectation")
    in_working_days = fields.Boolean(
        metadata=said("count the offset so: on Monday, with -1, Friday's partition is due", default=False)
    )


class Grace(Part):
    """How long after its time an update is due, and then late."""

    warn = lasting("due after", default="0m")
    late = lasting("late after", required=True)


class Predict(Part):
    """Telling before a deadline that it will be missed."""

    warn_before = lasting("from this long before the deadline on", required=True)
    quantile = fields.Float(
        validate=validate.Range(0, 1, min_inclusive=False, max_inclusive=False),
        metadata=said(
            "of the times at which data may come, the one that lies past the deadline; with 0.2 data are "
            "announced that are too late in four of five cases",
            default=0.2,
        ),
    )


class ObjectiveRule(Part):
    """How many deadlines are to be met."""

    share = fields.Float(
        required=True, validate=validate.Range(0, 1, min_inclusive=False), metadata=said("0.99: 99 in 100")
    )
    period = lasting("in any stretch of time this long", default="30d")


class CatchUpOnMissed(Part):
    """What is told of deadlines that passed while no engine ran."""

    policy = Text(
        validate=validate.OneOf([each.value for each in CatchUp]),
        metadata=said(
            "what is late now, once; each release that is; nothing before the next", default="last"
        ),
    )
    window = lasting("nothing is told of deadlines longer ago")


class ExpectationRule(Part):
    """One condition on some datasets: one of max_age, due, metric, assertions, schema."""

    id = id_field(required=True, metadata=said("what is known of it is kept under this id"))
    description = text("for people")
    dataset = fields.Nested(Selector, required=True)
    max_age = Various(
        {str: lasting(""), dict: fields.Nested(MaxAge)},
        metadata=said("new data come at the latest this long after the last"),
    )
    due = fields.Nested(Due, metadata=said("new data are there at certain times"))
    metric = fields.Nested(Metric, metadata=said("an update brings enough rows, and as many as usual"))
    assertions = fields.Nested(AssertionsRule, metadata=said("checks have passed"))
    schema_ = fields.Nested(SchemaUnchanged, data_key="schema", attribute="schema")
    partition = fields.Nested(
        PartitionRule, metadata=said("a release is met by its partition, or a later one")
    )
    grace = fields.Nested(Grace)
    severity = Text(
        validate=validate.OneOf([each.value for each in Severity]), metadata=said("", default="warning")
    )
    timezone = text("of its times, if it is not that of the file", examples=["Europe/Berlin"])
    refuse_empty = fields.Boolean(metadata=said("an update without rows brings no new data", default=False))
    expect_first_by = moment("a dataset that was never updated by then is late; if left out, it is unknown")
    predict = fields.Nested(Predict)
    slo = fields.Nested(ObjectiveRule)
    catch_up = fields.Nested(CatchUpOnMissed)
