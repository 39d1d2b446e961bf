"""Reasons as sentences."""

from __future__ import annotations

import pytest

from triggers.sentences import duration, sentence
from triggers.verdict import Reason, Value

MINUTE = 60_000_000


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (0, "0 s"),
        (1, "0 s"),
        (59 * 1_000_000, "59 s"),
        (20 * MINUTE, "20 min"),
        (80 * MINUTE, "1 h 20 min"),
        (26 * 60 * MINUTE + MINUTE, "1 d 2 h"),
        (24 * 60 * MINUTE, "1 d"),
    ],
)
def test_durations(length: int, words: str) -> None:
    assert duration(length) == words


def test_times_are_those_of_the_reader() -> None:
    reason = Reason("never_by", {"by": 1_795_348_800_000_000})
    assert sentence(reason, "UTC") == "No update has come by 2026-11-22 12:00."
    assert sentence(reason, "America/New_York") == "No update has come by 2026-11-22 07:00."


def test_what_a_reason_rests_on_follows_it() -> None:
    because = Reason("same_version", {"at": 1_795_348_800_000_000, "version": "7"})
    assert sentence(Reason("nothing_new", because=(because,)), "UTC") == (
        "Its updates have brought nothing that counts. "
        "The update at 2026-11-22 12:00 does not count: it wrote version 7 again."
    )


DEADLINE = 1_795_348_800_000_000
WILL_MISS = {"deadline": DEADLINE, "far": False, "miss_by": 25 * MINUTE}
ORDERS = WILL_MISS | {"job": "orders", "node": "job:w:orders", "lag": 40 * MINUTE}


@pytest.mark.parametrize(
    ("code", "values", "words"),
    [
        (
            "will_miss",
            ORDERS | {"cause": "started_late"},
            "It will probably miss 12:00 by about 25 min: orders started 40 min late.",
        ),
        (
            "will_miss",
            ORDERS | {"cause": "not_started"},
            "It will probably miss 12:00 by about 25 min: orders is 40 min late and has not started.",
        ),
        (
            "will_miss",
            ORDERS | {"cause": "slow"},
            "It will probably miss 12:00 by about 25 min: orders takes 40 min longer than usual.",
        ),
        (
            "will_miss",
            ORDERS | {"cause": "failed", "at": DEADLINE - 60 * MINUTE},
            (
                "It will probably miss 12:00 by about 25 min: "
                "orders failed at 2026-11-22 11:00 and has not run again."
            ),
        ),
        ("will_miss", WILL_MISS, "It will probably miss 12:00 by about 25 min."),
        ("will_miss", WILL_MISS | {"far": True}, "It will probably miss Sunday 12:00 by about 25 min."),
        ("may_miss", {"deadline": DEADLINE, "chance": 23}, "It may miss 12:00: in 23 of 100 cases."),
        (
            "in_time",
            {
                "expected": DEADLINE - 60 * MINUTE,
                "earliest": DEADLINE - 70 * MINUTE,
                "latest": DEADLINE - 40 * MINUTE,
                "deadline": DEADLINE,
            },
            (
                "It is expected at 2026-11-22 11:00, in 9 of 10 cases between 2026-11-22 10:50 and 2026-11-22 11:20; "
                "due is 2026-11-22 12:00."
            ),
        ),
    ],
)
def test_what_is_foretold(code: str, values: dict[str, Value], words: str) -> None:
    assert sentence(Reason(code, values), "UTC") == words
