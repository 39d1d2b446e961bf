"""What people are told of triggers: joins that are late or held back, and firings that come to nothing.

The subject is the job that the trigger is in the graph.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from collector.storage.joins import Key, Row, Whole, Words
from triggers.alerts import Alert, Severity
from triggers.conditions import NAMESPACE, Trigger
from triggers.evaluation import missing_of
from triggers.joins import Advanced, Standing
from triggers.sentences import moment

OVERDUE = "trigger.overdue"
BLOCKED = "trigger.blocked"
LOOP = "trigger.loop"
BREAKER = "trigger.breaker"
FAILING = "trigger.failing"

LET_GO = "Reset it to give up what came, or fire it by hand."


class TriggerAlerts:
    """What people are told of triggers, kept in mind: most rounds change nothing of it."""

    def __init__(self) -> None:
        self._told: dict[Key, Words] = {}
        self._alerts: list[Alert] | None = None

    def load(self, told: dict[Key, Words]) -> None:
        """Take up what is kept with joins."""
        self._told, self._alerts = told, None

    def follow(self, rows: Mapping[Key, Row], wholes: Collection[str]) -> None:
        """Take over what a round has written: rows of joins, and what holds of triggers as a whole."""
        for key, row in rows.items():
            if row.alert is not None:
                self._told[key], self._alerts = row.alert, None
            elif self._told.pop(key, None) is not None:
                self._alerts = None
        if wholes:
            self._alerts = None

    def all(self, wholes: Mapping[str, Whole], triggers: Mapping[str, Trigger]) -> list[Alert]:
        """Give the alerts."""
        if self._alerts is None:
            bad = [each for each in wholes.values() if each.failing_since or each.broken_at]
            self._alerts = [*join_alerts(self._told, triggers), *failing_alerts(bad, triggers)]
        return self._alerts


def alert_of(trigger: Trigger, key: str, advanced: Advanced) -> Words | None:
    """Give what people are told of a join."""
    state, name = advanced.state, f"{trigger.id} {key}".strip()
    loop = next((hold for hold in advanced.holds if hold.by == "loop"), None)
    if loop is not None and state.complete_at is not None:
        return LOOP, state.complete_at, f"{name} is held back: {loop.text}. {LET_GO}"
    if state.overdue_at is not None:
        missing = ", ".join(missing_of(advanced.evaluation.tree)) or "nothing"
        at = moment(state.overdue_at, trigger.timezone)
        return OVERDUE, state.overdue_at, f"{name} is not complete by {at}. Missing: {missing}."
    if advanced.standing is Standing.BLOCKED and trigger.on_blocked is None and state.begun_at is not None:
        arrived, passed = advanced.evaluation.blocked[0]
        return BLOCKED, state.begun_at, f"{name} is held back. Of {arrived.name}: {passed.reason}."
    return None


def join_alerts(told: Mapping[Key, Words], triggers: Mapping[str, Trigger]) -> Iterator[Alert]:
    """Make alerts of what is told of joins."""
    for (trigger_id, key), (rule, since, text) in told.items():
        if trigger_id in triggers:
            yield _alert(rule, trigger_id, since, text, (("key", key),) if key else ())


def failing_alerts(wholes: Iterable[Whole], triggers: Mapping[str, Trigger]) -> Iterator[Alert]:
    """Give the alerts of triggers as a whole."""
    for whole in wholes:
        trigger = triggers.get(whole.trigger_id)
        if trigger is None:
            continue
        if whole.broken_at is not None:
            words = f"{trigger.id} fired {trigger.guard.max_fires} times and is stopped until somebody resumes it."
            yield _alert(BREAKER, trigger.id, whole.broken_at, words)
        if whole.failing_since is not None and whole.failing is not None:
            yield _alert(FAILING, trigger.id, whole.failing_since, f"{trigger.id}: {whole.failing}")


def _alert(
    rule: str, trigger_id: str, since: int, text: str, labels: tuple[tuple[str, str], ...] = ()
) -> Alert:
    return Alert(rule, "job", NAMESPACE, trigger_id, Severity.WARNING, since, labels=labels, text=text)
