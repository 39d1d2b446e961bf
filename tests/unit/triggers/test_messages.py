"""The title of a message: what a pager or a phone shows of it."""

from __future__ import annotations

import pytest

from tests.unit.triggers.wrong import MINUTE, clock
from triggers.alerts import Alert, Severity
from triggers.messages import Context, compose
from triggers.notification_log import Reason
from triggers.pipeline import Notification, Standing
from triggers.routing import GroupKey

LATE = "is late. Not updated since 06:00."
EMPTY = "is not as it should be. Only 0 rows came."


def alert(name: str, said: str = LATE, namespace: str = "shop") -> Alert:
    return Alert(said[:12], "dataset", namespace, name, Severity.WARNING, clock(0), text=f"{name} {said}")


def title(
    *firing: Alert, resolved: tuple[Alert, ...] = (), digest: bool = False, reason: Reason = Reason.FIRST
) -> str:
    standings = tuple(Standing(each, None, (), 0, None, ()) for each in firing)
    told = Notification(GroupKey("all", "chat"), clock(0), reason, 1, standings, resolved, clock(0) - MINUTE)
    return compose(told, Context({}, {}, {}, "UTC", digest)).title


@pytest.mark.parametrize(
    ("firing", "expected"),
    [
        ([alert("orders")], "orders is late"),
        ([alert("orders"), alert("orders", EMPTY)], "orders is late, and 1 more of it"),
        ([alert("orders"), alert("prices")], "orders, prices"),
        ([alert("orders"), alert("orders", EMPTY), alert("prices")], "orders, prices"),
        ([alert("orders"), alert("orders", namespace="bank")], "orders, orders"),
        ([alert(name) for name in "abcde"], "a, b, c and 2 more"),
    ],
)
def test_the_title_names_each_dataset_once(firing: list[Alert], expected: str) -> None:
    assert title(*firing) == f"[WARNING] {expected}"


def test_the_title_says_what_is_new_about_it() -> None:
    both = (alert("orders"), alert("orders", EMPTY))
    assert title(resolved=both) == "[RESOLVED] orders"
    assert title(both[0], reason=Reason.REPEAT) == "[WARNING] again: orders is late"
    assert title(*both, alert("prices"), digest=True).startswith("[WARNING] 2 datasets affected by ")
