"""Targets, windows and the alerting section as rule files write them: from bodies to the model.

Bodies and errors are as ``triggers.documents`` says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from triggers.alerts import Matcher, Severity
from triggers.calendars import Calendar
from triggers.deadlines import timetable
from triggers.errors import RuleError
from triggers.inhibition import DEPTH, RESUME_AFTER
from triggers.maintenance import ForTriggers, Maintenance
from triggers.model import Due
from triggers.notation import EVERY_DAY, duration, moment, time_of_day, weekdays, windows
from triggers.parts import Body, each, part
from triggers.routing import OWNER, Policy, Route, Timing
from triggers.rules import NOBODY, Target
from triggers.zones import zone

LABELS: Final = ("severity", "tag", "owner", "namespace", "name", "rule", "type")
"""What a ``match`` may ask for."""

UPDATE_LABELS: Final = ("namespace", "name", "rule", "type")
"""What a ``match`` may ask of what comes for a trigger: of the dataset, and the id of the trigger."""

GROUP_LABELS: Final = ("cause", *LABELS, "node", "release")
"""What alerts may be grouped by."""

SECRETS: Final[Mapping[str, tuple[str, ...]]] = {
    "apprise": ("url",),
    "webhook": ("secrets",),
    "pagerduty": ("routing_key",),
    "email": ("password",),
    "prefect": ("key",),
    "airflow": ("auth", "password", "token"),
    "dagster": ("token",),
    "dbt_cloud": ("token",),
    "databricks": ("token",),
}
"""The options of each kind of target that let whoever has them in."""

ADDRESSES: Final[Mapping[str, tuple[str, ...]]] = {
    "webhook": ("url",),
    "pagerduty": ("url",),
    "prefect": ("url", "ui_url"),
    "airflow": ("url",),
    "dagster": ("url",),
    "dbt_cloud": ("url",),
    "databricks": ("url",),
}
"""The options of each kind of target that are addresses, of http or https."""

DEFAULT_OWNER: Final = "default"
"""In the map of owners: everybody else."""

LONGEST_NAME: Final = 100
"""Characters of the name that a route is given; it is part of the key of its groups."""

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")
_TELLING = re.compile(r"auth|token|secret|key|pass|cookie|signature|credential", re.IGNORECASE)
_OPERATOR = re.compile(r"(!=|=~|!~|=)\s*(.*)", re.DOTALL)


def is_reference(text: str) -> bool:
    """Tell whether this says where a secret is: ``env:NAME`` or ``file:PATH``."""
    return _REFERENCE.fullmatch(text) is not None


def target_of(body: Body) -> Target:
    """Make a target; its options are as written, and none of them is a secret."""
    id_, kind = body["id"], body["kind"]
    if id_ in (OWNER, NOBODY) or id_.startswith(f"{OWNER}:"):
        raise RuleError(f"{id_!r} means something else in routes; give the target another name")
    options = {key: value for key, value in body.items() if key not in ("id", "kind")}
    for key in SECRETS.get(kind, ()):
        given = options.get(key, ())
        if isinstance(given, str):
            part(key, _secret, given)
        else:
            each(key, _secret, options)
    for key in ADDRESSES.get(kind, ()):
        if key in options:
            part(key, _url, options[key])
    if kind == "webhook":
        for name, value in options.get("headers", {}).items():
            if _TELLING.search(name):
                part("headers", partial(part, name, _secret), value)
    elif kind == "airflow":
        _check_login(options)
    elif kind == "command" and "timeout" in options:
        part("timeout", duration, options["timeout"])
    return Target(id_, kind, options)


def owner_targets(body: Body) -> list[Target]:
    """Give the targets that the map of owners makes by the way: an Apprise URL of an owner's own."""
    owners: Mapping[str, str] = body.get("owner_map", {})
    return [
        Target(_owner_target(owner), "apprise", {"url": to})
        for owner, to in owners.items()
        if is_reference(to)
    ]


def maintenance_of(body: Body) -> Maintenance:
    """Make a time of planned work."""
    timezone: str = body["timezone"]
    part("timezone", zone, timezone)
    at = partial(_moment, body, timezone)
    if ("from" in body) != ("to" in body):
        raise RuleError("a window that is open once has both from and to", "to" if "from" in body else "from")
    to_triggers = ForTriggers(body.get("triggers", ForTriggers.IGNORE))
    if to_triggers is not ForTriggers.IGNORE:
        for label in body.get("match", {}):
            if label not in UPDATE_LABELS:
                raise RuleError(
                    f"is nothing that triggers are held by, only {', '.join(UPDATE_LABELS)}", "match", label
                )
    weekly = body.get("weekly")
    if (weekly is None) == ("from" not in body):
        raise RuleError("a window is open once (from, to) or every week (weekly)")
    return Maintenance(
        id=body["id"],
        matchers=part("match", matchers_of, body.get("match", {})),
        author=body["by"],
        reason=body["reason"],
        once=(at("from"), at("to")) if weekly is None else None,
        weekly=part("weekly", _weekly, weekly) if weekly is not None else (),
        timezone=timezone,
        expires=at("expires") if "expires" in body else None,
        mutes=body.get("alerts", "mute") == "mute",
        excludes=body.get("slo", "exclude") == "exclude",
        triggers=to_triggers,
    )


def policy_of(body: Body, calendar_of: Callable[[Body], Calendar]) -> Policy:
    """Make the policy of the alerting section; whether the targets that it names exist is not looked at."""
    timing = _timing(body, Timing())
    owners = {
        owner: _owner_target(owner) if is_reference(to) else to
        for owner, to in body.get("owner_map", {}).items()
    }
    lineage = body.get("inhibit", {}).get("lineage", {})
    inhibit = partial(part, "inhibit")
    resume = lineage.get("resume_after")
    routes = each("routes", lambda route: _route(route, body["timezone"], timing, calendar_of), body)
    names: dict[str, int] = {}
    for number, route in enumerate(routes):
        first = names.setdefault(route.name, number)
        if first != number:
            why = "has the same name" if "name" in body["routes"][number] else "takes the same alerts"
            raise RuleError(f"routes[{first}] {why}, so nothing is left for this one", "routes", number)
    return Policy(
        routes=routes,
        default=owners.pop(DEFAULT_OWNER, NOBODY),
        owners=owners,
        group_by=tuple(body.get("group_by", ("cause", "severity"))),
        timing=timing,
        depth=lineage.get("max_depth", DEPTH),
        resume_after=RESUME_AFTER
        if resume is None
        else inhibit(partial(part, "lineage", partial(part, "resume_after", duration)), resume),
    )


def receivers(body: Body) -> list[tuple[tuple[str | int, ...], str]]:
    """Give the targets that an alerting section names, each with the path of the place."""
    named: list[tuple[tuple[str | int, ...], str]] = [
        (("routes", number, "to", place), to)
        for number, route in enumerate(body.get("routes", ()))
        for place, to in enumerate(route["to"])
        if to not in (OWNER, NOBODY)
    ]
    return named + [
        (("owner_map", owner), to)
        for owner, to in body.get("owner_map", {}).items()
        if not is_reference(to) and to != NOBODY
    ]


def matchers_of(match: Body) -> tuple[Matcher, ...]:
    """Make matchers: of each label a value, or a list of which one must hold.

    ``*`` and ``?`` in a value stand for any text and any letter. ``=``, ``!=``, ``=~`` and ``!~`` before it are
    Alertmanager's: the value as it stands, or a regular expression for the whole of it.
    """
    return tuple(part(label, partial(_matcher, label), match[label]) for label in LABELS if label in match)


def _matcher(label: str, given: str | list[str]) -> Matcher:
    if isinstance(given, list):
        for number, value in enumerate(given):
            if _OPERATOR.match(value):
                raise RuleError("in a list there are plain values; write one with =~ instead", number)
            _check_severity(label, value)
        return Matcher(label, "|".join(map(_glob, given)), regex=True)
    if found := _OPERATOR.fullmatch(given):
        operator, value = found.groups()
        if not operator.endswith("~"):
            _check_severity(label, value)
        try:
            return Matcher(label, value, regex=operator.endswith("~"), negative=operator.startswith("!"))
        except ValueError as error:
            raise RuleError(str(error)) from error
    _check_severity(label, given)
    if "*" in given or "?" in given:
        return Matcher(label, _glob(given), regex=True)
    return Matcher(label, given)


def _check_severity(label: str, value: str) -> None:
    if label == "severity" and value not in [each.value for each in Severity]:
        raise RuleError(f"no severity: {value!r}; there are {', '.join(Severity)}")


def _glob(text: str) -> str:
    return re.escape(text).replace(r"\*", "(?s:.*)").replace(r"\?", "(?s:.)")


def _route(body: Body, timezone: str, timing: Timing, calendar_of: Callable[[Body], Calendar]) -> Route:
    match = body.get("match", {})
    digest = body.get("digest")
    return Route(
        name=body.get("name") or _name(match),
        to=tuple(body["to"]),
        matchers=part("match", matchers_of, match),
        affected=match.get("affected", False),
        digest=None
        if digest is None
        else part("digest", lambda given: _digest(given, timezone, calendar_of), digest),
        group_by=tuple(body["group_by"]) if "group_by" in body else None,
        timing=None if (own := _timing(body, timing)) == timing else own,
        send_resolved=body.get("send_resolved", True),
    )


def _name(match: Body) -> str:
    """Name a route by what it takes: groups are known by it, so it must not change when others come before it."""
    told = ["affected"] if match.get("affected") else []
    for label in LABELS:
        if label in match:
            value = match[label] if isinstance(match[label], str) else "|".join(match[label])
            told.append(f"{label}{value}" if _OPERATOR.match(value) else f"{label}={value}")
    name = ",".join(told) or "all"
    if len(name) > LONGEST_NAME:
        return f"{name[: LONGEST_NAME - 9]}-{sha256(name.encode()).hexdigest()[:8]}"
    return name


def _timing(body: Body, usual: Timing) -> Timing:
    def read(key: str, otherwise: int, least: int) -> int:
        length = part(key, duration, body[key]) if key in body else otherwise
        if length < least:
            raise RuleError("must be a second or more", key)
        return length

    return Timing(
        read("group_wait", usual.group_wait, 0),
        read("group_interval", usual.group_interval, 1_000_000),
        read("repeat_interval", usual.repeat_interval, 1_000_000),
    )


@dataclass(frozen=True, slots=True)
class Daily:
    """Gives the next time at which a digest is told, on working days if there is a calendar."""

    due: Due
    timezone: str

    def __call__(self, after: int) -> int:
        """Give the first time after an instant (µs UTC)."""
        following = timetable(self.due, self.timezone).after(after)
        assert following is not None, "a calendar without an end has a working day each week"  # noqa: S101
        return following


def _digest(body: Body, timezone: str, calendar_of: Callable[[Body], Calendar]) -> Daily:
    calendar = part("calendar", calendar_of, body["calendar"]) if "calendar" in body else None
    # Past the end of its calendar a digest still comes: nobody may be left without it.
    due = Due(at=part("at", time_of_day, body["at"]), calendar=calendar.endless() if calendar else None)
    return Daily(due, timezone)


def _weekly(body: Body) -> tuple[Any, ...]:
    days = part("weekdays", weekdays, ",".join(body["weekdays"])) if "weekdays" in body else EVERY_DAY
    return part("times", lambda times: windows(days, tuple(times)), body.get("times", ()))


def _moment(body: Body, timezone: str, key: str) -> int:
    return part(key, lambda text: moment(text, timezone), body[key])


def _owner_target(owner: str) -> str:
    return f"{OWNER}:{owner}"


def _check_login(options: Body) -> None:
    found = [key for key in ("auth", "username", "token") if key in options]
    if len(found) > 1:
        raise RuleError(f"does not go together with {found[0]}", found[1])
    if ("username" in options) != ("password" in options):
        raise RuleError("a username goes with a password", *options.keys() & {"username", "password"})


def _secret(text: str) -> str:
    if not is_reference(text):
        raise RuleError(
            "a secret is never written in a rule, which is stored and shown: give env:NAME or file:PATH"
        )
    return text


def _url(text: str) -> None:
    if is_reference(text):
        return
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError as error:
        raise RuleError(f"no URL: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise RuleError("no URL of http or https")
    if parts.username is not None or any(_TELLING.search(name) for name, _ in parse_qsl(parts.query)):
        raise RuleError("a URL with credentials is a secret: give env:NAME or file:PATH")
