"""When a receiver hears of its group again: the decisions of Alertmanager's dedup stage, one by one."""

from __future__ import annotations

import pytest

from triggers.notification_log import Entry, Reason, decide, sent, told

NOW, REPEAT = 1_000_000, 1_000


def entry(firing: str = "", resolved: str = "", at: int = NOW - 10) -> Entry:
    return Entry(at, 1, frozenset(firing), frozenset(resolved))


@pytest.mark.parametrize(
    ("before", "firing", "held", "send_resolved", "reason"),
    [
        (None, "a", "", True, Reason.FIRST),
        (None, "", "", True, None),
        (None, "", "a", True, None),
        (entry("a"), "a", "", True, None),
        (entry("a"), "ab", "", True, Reason.NEW_FIRING),
        (entry("a"), "b", "", True, Reason.NEW_FIRING),
        (entry("ab"), "a", "", True, Reason.NEW_RESOLVED),
        (entry("ab"), "a", "", False, None),
        (entry("ab"), "", "", True, Reason.ALL_RESOLVED),
        (entry("ab"), "", "", False, Reason.ALL_RESOLVED),
        (entry("", "ab"), "", "", True, None),
        (entry("", "ab"), "a", "", True, Reason.NEW_FIRING),
        (entry("a", "b"), "a", "", True, None),
        # Repeats: strictly longer ago than the interval.
        (entry("a", at=NOW - REPEAT), "a", "", True, None),
        (entry("a", at=NOW - REPEAT - 1), "a", "", True, Reason.REPEAT),
        (entry("a", at=NOW - REPEAT - 1), "", "", True, Reason.ALL_RESOLVED),
        # What was told and is muted now is neither resolved nor repeated.
        (entry("a"), "", "a", True, None),
        (entry("a", at=NOW - REPEAT - 1), "", "a", True, None),
        (entry("ab"), "", "a", True, Reason.NEW_RESOLVED),
        (entry("ab"), "a", "b", True, None),
        (entry("a"), "a", "b", True, None),
    ],
)
def test_decisions(
    before: Entry | None, firing: str, held: str, send_resolved: bool, reason: Reason | None
) -> None:
    assert decide(before, set(firing), set(held), NOW, REPEAT, send_resolved=send_resolved) is reason


def test_what_somebody_takes_care_of_is_not_repeated() -> None:
    old = entry("ab", at=NOW - REPEAT - 1)
    assert decide(old, {"a", "b"}, set(), NOW, REPEAT, acknowledged={"a", "b"}) is None
    assert decide(old, {"a", "b"}, set(), NOW, REPEAT, acknowledged={"a"}) is Reason.REPEAT
    assert decide(old, {"a", "b", "c"}, set(), NOW, REPEAT, acknowledged=set("abc")) is Reason.NEW_FIRING


def test_who_does_not_want_to_hear_of_ends_is_sent_none() -> None:
    assert {reason for reason in Reason if not sent(reason, send_resolved=False)} == {Reason.ALL_RESOLVED}
    assert all(sent(reason, send_resolved=True) for reason in Reason)


def test_the_log_knows_what_the_receiver_takes_to_be_firing() -> None:
    first = told(None, {"a", "b"}, set(), 5)
    assert first == Entry(5, 1, frozenset("ab"), frozenset())
    assert told(first, {"c"}, {"b"}, 9) == Entry(9, 2, frozenset("bc"), frozenset("a"))
    assert told(first, {"a"}, {"c"}, 9).firing == frozenset("a"), "muted before it was ever told"


def test_entries_are_forgotten_after_two_repeats_and_never_before_the_end() -> None:
    assert entry("", at=NOW - 2 * REPEAT - 1).expired(NOW, REPEAT)
    assert not entry("", at=NOW - 2 * REPEAT).expired(NOW, REPEAT)
    assert not entry("a", at=0).expired(NOW, REPEAT)
