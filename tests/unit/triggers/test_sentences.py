"""Reasons as sentences."""

from __future__ import annotations

import pytest

from triggers.sentences import duration, sentence
from triggers.verdict import Reason

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
