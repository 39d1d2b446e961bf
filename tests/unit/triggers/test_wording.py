"""What is expected, in words."""

from __future__ import annotations

from typing import Any

import pytest

from triggers.documents import expectation_of
from triggers.wording import wording

NAMED = {"id": "x", "timezone": "Europe/Berlin", "dataset": {"namespace": "shop", "name": "orders"}}
HOLIDAYS = {"id": "de", "weekend": ["sat", "sun"]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"due": {"at": "07:00"}, "grace": {"late": "30m"}},
            "New data is there by 07:00 every day (Europe/Berlin), and is late 30 min after that.",
        ),
        (
            {"due": {"cron": "5 7 * * mon-fri"}, "predict": {"warn_before": "1h"}},
            "New data is there by 07:05 on mon-fri (Europe/Berlin). It is foretold from 1 h before the deadline on.",
        ),
        ({"due": {"cron": "5 7 * * *"}}, "New data is there by 07:05 every day (Europe/Berlin)."),
        (
            {"timezone": "UTC", "due": {"cron": "*/15 * * * *"}, "slo": {"share": 0.995}},
            "New data is there at the times of cron */15 * * * * (UTC). 99.5 % of the deadlines in 30 d are to be met.",
        ),
        (
            {"due": {"at": "07:00", "monthly_business_day": -2, "calendar": HOLIDAYS}},
            "New data is there by 07:00 on working day 2 from the end of each month (Europe/Berlin).",
        ),
        (
            {"due": {"at": "07:00", "calendar": HOLIDAYS, "on_non_business_day": "following"}},
            "New data is there by 07:00 every day (Europe/Berlin), after a day off on the next working day.",
        ),
        (
            {"max_age": "1d", "refuse_empty": True},
            "New data comes within 1 d of the last. Updates without rows do not count.",
        ),
        (
            {"max_age": {"late": "4h", "within": {"times": ["08:00-18:00"]}}},
            "New data comes within 4 h of the last of the time that counts (Europe/Berlin).",
        ),
        (
            {"timezone": "UTC", "due": {"at": "07:00"}, "partition": {"grain": "hour"}},
            "New data is there by 07:00 every day (UTC). It is met by the partition of its hour, or a later one.",
        ),
        (
            {"metric": {"field": "outputStatistics.rowCount", "min": 1, "anomaly": {"method": "mad"}}},
            "An update brings at least 1 row and as many rows as usual on that weekday.",
        ),
        (
            {"metric": {"field": "outputStatistics.rowCount", "min": 1000}},
            "An update brings at least 1,000 rows.",
        ),
        ({"assertions": {}}, "All checks pass."),
        (
            {"assertions": {"names": ["a", "b", "c", "d", "e", "f"], "wait": "1h"}},
            "The checks a, b, c, d, e and 1 more pass within 1 h of each update.",
        ),
        ({"schema": {}}, "The schema stays the one that was known first."),
        (
            {"schema": {"since": "2026-11-01", "compatible": True}},
            "The schema stays the one of 2026-11-01 00:00, but for new columns.",
        ),
    ],
)
def test_it_is_told_in_words(body: dict[str, Any], words: str) -> None:
    assert wording(expectation_of(NAMED | body)) == words
