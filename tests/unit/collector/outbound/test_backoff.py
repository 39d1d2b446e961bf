"""When something is tried again."""

from __future__ import annotations

import random

import pytest

from collector.outbound.backoff import (
    HOUR,
    LONGEST_PAUSE,
    MINUTE,
    SECOND,
    TRIED_FOR,
    away,
    next_attempt,
    pause,
)

QUEUED = 1_000_000 * HOUR


def attempts(chance: float) -> list[int]:
    """Give the times of the attempts, in µs from the first, if all fail."""
    now, times = QUEUED, [0]
    while (following := next_attempt(len(times), QUEUED, now, None, lambda: chance)) is not None:
        now = following
        times.append(now - QUEUED)
    return times


def test_pauses_grow_and_the_last_attempt_is_after_a_day() -> None:
    assert attempts(1.0) == [
        0,
        5 * SECOND,
        5 * SECOND + 5 * MINUTE,
        5 * SECOND + 35 * MINUTE,
        5 * SECOND + 35 * MINUTE + 2 * HOUR,
        *(5 * SECOND + 35 * MINUTE + hours * HOUR for hours in (7, 12, 17, 22)),
        TRIED_FOR,
    ]


def test_a_pause_is_anything_up_to_its_length() -> None:
    rng = random.Random(1)
    found = [pause(3, rng.random) for _ in range(1000)]
    assert 0 <= min(found) < 2 * MINUTE
    assert 28 * MINUTE < max(found) <= 30 * MINUTE
    assert len(set(found)) > 990


@pytest.mark.parametrize(
    ("asked", "given"), [(None, 0), (7 * SECOND, 7 * SECOND), (10**15, LONGEST_PAUSE), (0, 0)]
)
def test_what_a_receiver_asks_for_is_kept_within_bounds(asked: int | None, given: int) -> None:
    assert next_attempt(1, QUEUED, QUEUED, asked, lambda: 0.0) == QUEUED + given


def test_a_receiver_that_asks_for_a_pause_at_the_end_gets_a_last_attempt_after_it() -> None:
    nearly = QUEUED + TRIED_FOR - SECOND
    assert next_attempt(9, QUEUED, nearly, MINUTE, lambda: 1.0) == nearly + MINUTE
    assert next_attempt(10, QUEUED, nearly + MINUTE, MINUTE, lambda: 1.0) is None


def test_a_receiver_that_cannot_be_reached_is_left_alone_ever_longer_up_to_a_minute() -> None:
    assert [away(failures) // SECOND for failures in (1, 2, 3, 4, 100)] == [5, 20, 45, 60, 60]
