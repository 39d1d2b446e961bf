"""Expectations as rule files write them, and the whole of the rules: from bodies, which are like JSON, to the model.

A body is what people write in a rule file, checked and complete: it has its ``id`` and ``timezone``, and where the file
names a calendar it holds all of the calendar. ``collector.api.rule_shapes`` says which keys there are. All functions
raise RuleError, whose ``path`` leads into the body. There may be 100,000 expectations: reading one takes some 10 µs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from triggers.alerting_documents import maintenance_of, owner_targets, policy_of, target_of
from triggers.alerts import Severity
from triggers.conditions import Trigger
from triggers.errors import RuleError
from triggers.maintenance import Maintenance
from triggers.model import (
    Anomaly,
    Assertions,
    BusinessTime,
    Condition,
    Direction,
    Due,
    EarlyWarning,
    Expectation,
    Grace,
    Grain,
    KeySource,
    MaxAge,
    Missed,
    Objective,
    Partition,
    Roll,
    SchemaUnchanged,
    Volume,
)
from triggers.notation import EVERY_DAY, duration, moment, offset, time_of_day, weekdays, windows
from triggers.parts import Body, part
from triggers.routing import Policy
from triggers.rules import NO_POLICY, RuleSet, Target
from triggers.selector_documents import calendar_of, missed_of, selector_of
from triggers.trigger_documents import trigger_of
from triggers.zones import zone

CONDITIONS = ("max_age", "due", "metric", "assertions", "schema")

TIMED = ("grace", "expect_first_by", "predict", "slo", "catch_up")
"""What means something only where there is a time by which data are expected."""

PERIOD = "30d"
"""Of an objective that does not say."""

NO_GRACE = Grace()
NOTHING_MISSED = Missed()


class Row(NamedTuple):
    """One rule: its kind (``expectation``, ``trigger``, ``target``, ``window``, ``alerting``), its id and its body."""

    kind: str
    id: str
    body: Body


def ruleset_of(rows: Iterable[Row]) -> RuleSet:
    """Put the rules together."""
    expectations: dict[str, Expectation] = {}
    triggers: dict[str, Trigger] = {}
    targets: dict[str, Target] = {}
    planned: list[Maintenance] = []
    policy, timezone = NO_POLICY, "UTC"
    for kind, id_, body in rows:
        if kind == "expectation":
            expectations[id_] = expectation_of(body)
        elif kind == "trigger":
            triggers[id_] = trigger_of(body)
        elif kind == "target":
            targets[id_] = target_of(body)
        elif kind == "window":
            planned.append(maintenance_of(body))
        elif kind == "alerting":
            policy, timezone = alerting_of(body), body["timezone"]
            targets |= {target.id: target for target in owner_targets(body)}
    return RuleSet(expectations, targets, planned, policy, timezone, triggers)


def alerting_of(body: Body) -> Policy:
    """Make the policy of the alerting section, with the calendars of its digests."""
    return policy_of(body, calendar_of)


def expectation_of(body: Body) -> Expectation:
    """Make an expectation."""
    timezone: str = body["timezone"]
    part("timezone", zone, timezone)
    found = [name for name in CONDITIONS if name in body]
    if len(found) != 1:
        raise RuleError(f"one of {', '.join(CONDITIONS)} is needed, and only one")
    name, given = found[0], body[found[0]]
    condition: Condition
    grace = NO_GRACE
    if name == "max_age":
        condition, grace = part(name, _max_age, given)
    elif name == "due":
        condition = part(name, _due, given)
    else:
        for key in TIMED:
            if key in body:
                raise RuleError(f"goes with max_age or due, not with {name}", key)
        if name == "metric":
            condition = part(name, _volume, given)
        elif name == "assertions":
            condition = part(name, _assertions, given)
        else:
            condition = part(name, lambda schema: _schema(schema, timezone), given)
    if "grace" in body:
        if grace is not NO_GRACE:
            raise RuleError("max_age says itself what is due and what is late", "grace")
        grace = part("grace", _grace, body["grace"])
    partition = body.get("partition")
    first_by = body.get("expect_first_by")
    predict, slo, catch_up = body.get("predict"), body.get("slo"), body.get("catch_up")
    return Expectation(
        id=body["id"],
        selector=part("dataset", selector_of, body["dataset"]),
        condition=condition,
        grace=grace,
        severity=Severity(body["severity"]) if "severity" in body else Severity.WARNING,
        timezone=timezone,
        partition=None if partition is None else part("partition", _partition, partition),
        refuse_empty=body.get("refuse_empty", False),
        expect_first_by=None
        if first_by is None
        else part("expect_first_by", lambda text: moment(text, timezone), first_by),
        warning=None if predict is None else part("predict", _warning, predict),
        objective=None if slo is None else part("slo", _objective, slo),
        missed=NOTHING_MISSED if catch_up is None else part("catch_up", missed_of, catch_up),
    )


def _max_age(given: str | Body) -> tuple[MaxAge, Grace]:
    if isinstance(given, str):
        return MaxAge(duration(given)), NO_GRACE
    within = part("within", _within, given["within"]) if "within" in given else None
    late = part("late", duration, given["late"])
    warn = part("warn", duration, given["warn"]) if "warn" in given else late
    if warn > late:
        raise RuleError("what is late has been due before: warn must not be more than late", "warn")
    # Equal, but not the same: grace beside it would say it twice.
    return MaxAge(warn, within), Grace(0, late - warn)


def _within(body: Body) -> BusinessTime:
    on = part("weekdays", weekdays, ",".join(body["weekdays"])) if "weekdays" in body else EVERY_DAY
    open_ = part("times", lambda times: windows(on, tuple(times)), body.get("times", ()))
    calendar = part("calendar", calendar_of, body["calendar"]) if "calendar" in body else None
    return BusinessTime(open_, calendar)


def _due(body: Body) -> Due:
    calendar = part("calendar", calendar_of, body["calendar"]) if "calendar" in body else None
    if calendar is None and "on_non_business_day" in body:
        raise RuleError("which days are off is said by a calendar", "on_non_business_day")
    return Due(
        at=part("at", time_of_day, body["at"]) if "at" in body else None,
        cron=body.get("cron"),
        business_day=body.get("monthly_business_day"),
        calendar=calendar,
        on_non_business_day=Roll(body.get("on_non_business_day", "skip")),
        accept=part("accept_from", duration, body["accept_from"]) if "accept_from" in body else None,
    )


def _volume(body: Body) -> Volume:
    anomaly = body.get("anomaly")
    return Volume(body.get("min"), None if anomaly is None else part("anomaly", _anomaly, anomaly))


def _anomaly(body: Body) -> Anomaly:
    given = {name: body[name] for name in ("sensitivity", "history", "min_history") if name in body}
    return Anomaly(
        **given,
        by_weekday=body.get("seasonality", "day_of_week") == "day_of_week",
        direction=Direction(body.get("direction", "both")),
    )


def _assertions(body: Body) -> Assertions:
    return Assertions(
        frozenset(body.get("names", ())),
        body.get("warnings", False),
        body.get("min_count", 1),
        part("wait", duration, body["wait"]) if "wait" in body else None,
    )


def _schema(body: Body, timezone: str) -> SchemaUnchanged:
    since = body.get("since")
    return SchemaUnchanged(
        None if since is None else part("since", lambda text: moment(text, timezone), since),
        body.get("compatible", False),
    )


def _grace(body: Body) -> Grace:
    warn = part("warn", duration, body["warn"]) if "warn" in body else 0
    return Grace(warn, part("late", duration, body["late"]))


def _partition(body: Body) -> Partition:
    grain = Grain(body.get("grain", "day"))
    if "timezone" in body:
        part("timezone", zone, body["timezone"])
    return Partition(
        tuple(map(KeySource, body["from"])) if "from" in body else (KeySource.SUBSET, KeySource.NOMINAL),
        grain,
        part("offset", lambda given: offset(given, grain), body.get("offset", 0)),
        body.get("timezone"),
        body.get("in_working_days", False),
    )


def _warning(body: Body) -> EarlyWarning:
    before = part("warn_before", duration, body["warn_before"])
    return EarlyWarning(before, body["quantile"]) if "quantile" in body else EarlyWarning(before)


def _objective(body: Body) -> Objective:
    return Objective(body["share"], part("period", duration, body.get("period", PERIOD)))
